/*
 * A client of dmabroker in C++, with waylandpp and the code that its scanner makes of
 * protocol/dmabroker-v1.xml.
 *
 *   dmabroker-example-cpp [--memfd] alloc          allocate an image, write to it, print a token; at a line
 *                                                  on stdin revoke the token, at the next release the buffer
 *   dmabroker-example-cpp [--memfd] redeem TOKEN   get a shared buffer, write its bytes to stdout
 *
 * waylandpp sends an object's destructor when its last handle goes: `release` is a request like any
 * other, and does not end the object.
 */
#include <array>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

#include <linux/dma-buf.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dmabroker-v1.hpp"
#include "find-socket.h"

using namespace wayland;
using handle_type = dmabroker_manager_v1_handle_type;

constexpr uint32_t NV12 = 'N' | 'V' << 8 | '1' << 16 | '2' << 24;
constexpr uint32_t ANY_USER = 0xffffffff;

/* A file descriptor of ours: whoever receives one closes it. */
class file {
	int fd;

public:
	explicit file(int fd) : fd(fd) {}
	file(file &&other) noexcept : fd(other.fd) { other.fd = -1; }
	file(const file &) = delete;
	file &operator=(const file &) = delete;
	~file()
	{
		if (fd >= 0)
			close(fd);
	}
	int get() const { return fd; }
};

struct plane {
	file fd;
	uint32_t memory;
};

/* What the broker has told of a buffer. */
struct buffer {
	dmabroker_buffer_v1_t object;
	std::vector<uint64_t> memories; /* bytes of each: so much can be mapped, and no more */
	std::vector<plane> planes;
	std::string refusal;
	bool done = false;

	explicit buffer(dmabroker_buffer_v1_t made) : object(made)
	{
		object.on_memory() = [this](uint32_t, uint32_t hi, uint32_t lo) {
			memories.push_back(uint64_t(hi) << 32 | lo);
		};
		object.on_plane() = [this](int fd, handle_type, uint32_t, uint32_t memory, uint32_t, uint32_t) {
			planes.push_back({ file(fd), memory });
		};
		object.on_long_detail() = [](int fd, uint32_t) { file closed(fd); };
		object.on_failed() = [this](dmabroker_manager_v1_refusal, const std::string &message,
					    const std::string &) { refusal = message; };
		object.on_done() = [this] { done = true; };
	}
	buffer(const buffer &) = delete;
	buffer &operator=(const buffer &) = delete;

	/* No exception may pass through libwayland, which is C: what failed is said after the dispatch. */
	void wait(display_t &display)
	{
		while (!done && refusal.empty())
			display.dispatch();
		if (!refusal.empty())
			throw std::runtime_error("refused: " + refusal);
	}

	/* A memory, mapped between DMA_BUF_IOCTL_SYNC's start and end. */
	template <typename Use> void with_memory(uint32_t memory, bool write, Use use) const
	{
		for (const plane &p : planes) {
			if (p.memory != memory)
				continue;
			const size_t size = memories.at(memory);
			const int protection = write ? PROT_READ | PROT_WRITE : PROT_READ;
			void *bytes = mmap(nullptr, size, protection, MAP_SHARED, p.fd.get(), 0);
			if (bytes == MAP_FAILED)
				throw std::runtime_error("cannot map the memory");
			/* A memfd knows no such ioctl, and needs none. */
			dma_buf_sync sync = {};
			sync.flags = DMA_BUF_SYNC_START | (write ? DMA_BUF_SYNC_RW : DMA_BUF_SYNC_READ);
			ioctl(p.fd.get(), DMA_BUF_IOCTL_SYNC, &sync);
			use(static_cast<unsigned char *>(bytes), size);
			sync.flags ^= DMA_BUF_SYNC_START | DMA_BUF_SYNC_END;
			ioctl(p.fd.get(), DMA_BUF_IOCTL_SYNC, &sync);
			munmap(bytes, size);
			return;
		}
		throw std::runtime_error("no plane lies in this memory");
	}
};

static dmabroker_buffer_v1_t create(dmabroker_manager_v1_t &manager, handle_type accepted)
{
	dmabroker_params_v1_t params = manager.create_params();

	params.set_image(640, 480, NV12);
	params.set_planes(dmabroker_params_v1_plane_memory::separate);
	params.set_usage(dmabroker_manager_v1_usage::transfer | dmabroker_manager_v1_usage::cpu_write);
	params.set_handle_types(accepted);
	params.set_name("C++ example");
	return params.create();
}

static void alloc(display_t &display, dmabroker_manager_v1_t &manager, handle_type accepted)
{
	std::string line, token, refusal;
	{
		buffer made(create(manager, accepted));
		made.wait(display);
		for (uint32_t m = 0; m < made.memories.size(); m++)
			made.with_memory(m, true, [m](unsigned char *bytes, size_t size) {
				std::memset(bytes, int(m + 1), size);
			});

		dmabroker_share_v1_t share = made.object.share(4, ANY_USER, 0, 0);
		share.on_token() = [&](const std::string &told) { token = told; };
		share.on_long_detail() = [](int fd, uint32_t) { file closed(fd); };
		share.on_failed() = [&](dmabroker_manager_v1_refusal, const std::string &message,
					const std::string &) { refusal = message; };
		while (token.empty() && refusal.empty())
			display.dispatch();
		if (token.empty())
			throw std::runtime_error("refused: " + refusal);
		std::cout << token << std::endl;

		std::getline(std::cin, line);
		share.revoke();
		display.roundtrip();
		std::cout << "revoked" << std::endl;

		std::getline(std::cin, line);
		made.object.release();
		display.roundtrip();
		std::cout << "released" << std::endl;
	}
	/* The objects are destroyed, and the connection is what it was. */
	buffer another(create(manager, accepted));
	another.wait(display);
	std::cout << "another of " << another.memories.size() << " memories" << std::endl;
}

static void redeem(display_t &display, dmabroker_manager_v1_t &manager, const std::string &token)
{
	buffer shared(manager.redeem(token));
	shared.wait(display);
	for (uint32_t m = 0; m < shared.memories.size(); m++)
		shared.with_memory(m, false, [](const unsigned char *bytes, size_t size) {
			std::cout.write(reinterpret_cast<const char *>(bytes), std::streamsize(size));
		});
}

int main(int argc, char **argv)
try {
	std::vector<std::string> args(argv + 1, argv + argc);
	handle_type accepted = handle_type::dma_buf;
	if (!args.empty() && args[0] == "--memfd") {
		accepted = handle_type::memfd;
		args.erase(args.begin());
	}

	display_t display(find_socket());
	registry_t registry = display.get_registry();
	dmabroker_manager_v1_t manager;
	registry.on_global() = [&](uint32_t name, const std::string &interface, uint32_t) {
		if (interface == dmabroker_manager_v1_t::interface_name)
			registry.bind(name, manager, 1);
	};
	display.roundtrip();
	if (!manager)
		throw std::runtime_error("there is no dmabroker at this socket");

	if (args.size() == 1 && args[0] == "alloc")
		alloc(display, manager, accepted);
	else if (args.size() == 2 && args[0] == "redeem")
		redeem(display, manager, args[1]);
	else
		throw std::runtime_error("usage: dmabroker-example-cpp [--memfd] alloc | redeem TOKEN");
	display.roundtrip();
	return 0;
} catch (const std::exception &error) {
	std::cerr << "dmabroker-example-cpp: " << error.what() << std::endl;
	return 1;
}
