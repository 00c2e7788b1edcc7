#define _GNU_SOURCE
#include "own.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int own_memfd(const struct json *memory)
{
	const char *hex = json_string(memory, "bytes");
	off_t at = (off_t)json_number(memory, "offset", 0);
	int fd = memfd_create("conformance", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || ftruncate(fd, (off_t)json_number(memory, "size", 0)) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) < 0) {
		perror("memfd_create");
		_exit(1);
	}
	for (size_t i = 0; hex && i < strlen(hex) / 2; i++) {
		unsigned char byte;

		if (sscanf(hex + 2 * i, "%2hhx", &byte) != 1 || pwrite(fd, &byte, 1, at + (off_t)i) != 1)
			_exit(1);
	}
	return fd;
}
