/*
 * What ffi-rs cannot do, in one small file that `npm run build` compiles:
 *
 *  - dmab_call: call any C function by its address. Vulkan's extension functions exist only as
 *    pointers (vkGetDeviceProcAddr), and ffi-rs can call none. One long-lived argument block a
 *    thread carries arguments, result and errno, so that the only thing that ever crosses ffi-rs
 *    is one address: no type can be wrong there (a wrong one aborts the process).
 *  - dmab_send, dmab_receive: sendmsg and recvmsg with SCM_RIGHTS (cmsg(3), unix(7)).
 *  - dmab_step: the data plane's batch: send what is queued, wait, receive what is ready; one
 *    call however many requests it carries.
 *  - dmab_later, in later.c: calls that may take as long as they like, each in a thread of its own.
 *  - dmab_watch: tells Node's event loop that a socket is readable, without reading from it
 *    (libuv reads with read(2), which drops file descriptors), where poll.c cannot.
 *
 * It owns no file descriptor: each one that it receives or accepts is the caller's at once, and
 * is CLOEXEC from birth.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <linux/sockios.h>
#include <unistd.h>

#include "call.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

#define EXPORT __attribute__((visibility("default")))

/* ---- calling by address ------------------------------------------------------------------- */

typedef uint64_t (*any_fn)(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t,
			   uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);

/*
 * The System V x86-64 and AAPCS64 calling conventions pass integers and pointers alike, let a
 * caller pass more arguments than the callee takes, and treat the integer arguments of variadic
 * functions (ioctl, fcntl) as any others. Nothing that is called so takes or returns a float.
 */
EXPORT void dmab_call(struct call *c)
{
	const uint64_t *a = c->arg;
	errno = 0;
	c->ret = ((any_fn)(uintptr_t)c->fn)(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8],
					    a[9], a[10], a[11]);
	c->err = errno;
}

/* The address of a Buffer's memory, which stays put for as long as the Buffer lives. */
EXPORT int64_t dmab_address(const void *bytes)
{
	return (int64_t)(uintptr_t)bytes;
}

/* dlsym(3) in everything that is loaded, this library included; 0 when there is none. */
EXPORT int64_t dmab_symbol(const char *name)
{
	return (int64_t)(uintptr_t)dlsym(RTLD_DEFAULT, name);
}

/* ---- messages with file descriptors -------------------------------------------------------- */

/* libwayland's MAX_FDS_OUT: no peer of ours sends or takes more in one message. */
enum { MAX_FDS = 28 };

/*
 * The kernel's SCM_MAX_FD: more than a message can carry. Whatever does not find room is closed by
 * the kernel, in recvmsg and by the thread that calls it, and close(2) of a foreign file may wait
 * for as long as its owner likes. So there is room for all of them.
 */
enum { MAX_IN_FDS = 253 };

union control {
	char bytes[CMSG_SPACE(MAX_FDS * sizeof(int))];
	struct cmsghdr align;
};

union in_control {
	char bytes[CMSG_SPACE(MAX_IN_FDS * sizeof(int))];
	struct cmsghdr align;
};

/* Returns bytes sent, or -errno. The fds stay the caller's: the kernel takes references. */
EXPORT int64_t dmab_send(int sock, const void *bytes, size_t length, const int *fds, int nfds)
{
	struct iovec iov = { (void *)bytes, length };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	union control control;

	if (nfds < 0 || nfds > MAX_FDS)
		return -EINVAL;
	if (nfds > 0) {
		memset(&control, 0, sizeof control);
		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
		struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(nfds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, nfds * sizeof(int));
	}
	ssize_t n = sendmsg(sock, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	return n < 0 ? -errno : n;
}

/*
 * Returns bytes received (0 at the end of the stream) or -errno. *nfds fds are the caller's now, at
 * most MAX_IN_FDS. *lost: there were more, for which this process had no descriptor left
 * (MSG_CTRUNC: there was room for all, so that it is not the sender's doing).
 */
EXPORT int64_t dmab_receive(int sock, void *bytes, size_t length, int *fds, int *nfds, int *lost)
{
	struct iovec iov = { bytes, length };
	union in_control control;
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof control.bytes,
	};
	ssize_t n = recvmsg(sock, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	*nfds = 0;
	*lost = 0;
	if (n < 0)
		return -errno;
	*lost = (msg.msg_flags & MSG_CTRUNC) != 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		int count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fds + *nfds, CMSG_DATA(c), count * sizeof(int));
		*nfds += count;
	}
	return n;
}

/* ---- the data plane's batch ---------------------------------------------------------------- */

enum { MAX_OUT = 128, MAX_IN = 64, IN_BYTES = 4096, OUT_BYTES = 512 * 1024 };

/*
 * After so many received fds no more is received in a turn, so that each is charged to its sender
 * before others come: what one turn takes beyond all shares is 2 * MAX_FDS + MAX_IN_FDS at most.
 */
enum { TURN_FDS = 2 * MAX_FDS };

/* What an in entry is. */
enum { IN_DATA = 0, IN_ACCEPT = 1, IN_WAKE = 2, IN_WRITABLE = 3, IN_EXITED = 4 };

/*
 * What is watched, in the upper half of epoll's word; its fd is in the lower one. A muted socket is not read, also
 * where its peer has hung up, which is reported whatever is asked for.
 */
enum { WATCH_SOCKET = 0, WATCH_PROCESS = 1, WATCH_MUTED = 2 };

struct out {
	int32_t sock;
	uint32_t offset, length; /* in out_bytes */
	int32_t drained; /* 1: send only if the peer has read all before it (SIOCOUTQ) */
	int32_t nfds, fds[MAX_FDS];
	int32_t result; /* bytes sent, -errno, or -EBUSY: not drained yet */
	/* Where words are 1 once all of it was sent: no more than it has fds. */
	int32_t ntold;
	struct { uint32_t lo, hi; } told[MAX_FDS];
};

struct in {
	int32_t kind, sock;
	int32_t result; /* bytes in in_bytes[index], 0 = end of stream, or -errno */
	int32_t lost;
	int32_t nfds, fds[MAX_IN_FDS];
	int32_t pid, uid, gid, pidfd; /* of an accepted peer: SO_PEERCRED, SO_PEERPIDFD or -errno */
};

struct step {
	int32_t epoll, listener, wake, timeout_ms;
	int32_t nout, nin;
	/* CLOCK_MONOTONIC in milliseconds when the step began, and when its wait was over. */
	double began_ms, waited_ms;
	struct out out[MAX_OUT];
	struct in in[MAX_IN];
	uint8_t in_bytes[MAX_IN][IN_BYTES];
	uint8_t out_bytes[OUT_BYTES];
};

/* Where things are, in 32-bit words, so that the TypeScript side writes no offset by hand. */
EXPORT int32_t dmab_step_layout(int32_t *w)
{
#define WORD(field) (int32_t)(offsetof(struct step, field) / 4)
	int i = 0;
	w[i++] = sizeof(struct step);
	w[i++] = WORD(epoll);
	w[i++] = WORD(listener);
	w[i++] = WORD(wake);
	w[i++] = WORD(timeout_ms);
	w[i++] = WORD(nout);
	w[i++] = WORD(nin);
	w[i++] = WORD(began_ms);
	w[i++] = WORD(waited_ms);
	w[i++] = WORD(out);
	w[i++] = sizeof(struct out) / 4;
	w[i++] = WORD(in);
	w[i++] = sizeof(struct in) / 4;
	w[i++] = offsetof(struct step, in_bytes);
	w[i++] = offsetof(struct step, out_bytes);
	w[i++] = MAX_OUT;
	w[i++] = MAX_IN;
	w[i++] = IN_BYTES;
	w[i++] = OUT_BYTES;
	w[i++] = MAX_FDS;
	w[i++] = MAX_IN_FDS;
	return i;
}

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int32_t *told_at(const struct out *o, int i)
{
	return (int32_t *)(uintptr_t)((uint64_t)o->told[i].hi << 32 | o->told[i].lo);
}

static void step_send(struct step *s)
{
	for (int i = 0; i < s->nout; i++) {
		struct out *o = &s->out[i];
		const struct out *before = i > 0 ? o - 1 : NULL;
		int unread = 0;
		/* A socket's messages stand together, and none goes before the whole of the one before it. */
		if (before && before->sock == o->sock && before->result != (int32_t)before->length) {
			o->result = -EAGAIN;
		} else if (o->drained && ioctl(o->sock, SIOCOUTQ, &unread) == 0 && unread > 0) {
			o->result = -EBUSY;
		} else {
			/*
			 * Before it is sent: a peer that is woken by it runs at once, and what it does may end
			 * this process before sendmsg returns. Taken back where not all has gone (slots.ts).
			 */
			int32_t was[MAX_FDS];
			for (int t = 0; t < o->ntold; t++)
				was[t] = __atomic_exchange_n(told_at(o, t), 1, __ATOMIC_SEQ_CST);
			o->result = (int32_t)dmab_send(o->sock, s->out_bytes + o->offset,
						       o->length, o->fds, o->nfds);
			if (o->result != (int32_t)o->length) {
				for (int t = o->ntold - 1; t >= 0; t--)
					__atomic_store_n(told_at(o, t), was[t], __ATOMIC_SEQ_CST);
			}
		}
		/* What was not sent whole needs the caller before anything else happens. */
		if (o->result != (int32_t)o->length)
			s->timeout_ms = 0;
	}
	s->nout = 0;
}

static void step_accept(struct step *s, struct in *in)
{
	struct ucred cred = { .pid = -1, .uid = -1, .gid = -1 };
	socklen_t size = sizeof cred;
	int pidfd = -1;

	in->kind = IN_ACCEPT;
	in->sock = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	in->result = in->sock < 0 ? -errno : 0;
	if (in->sock < 0)
		return;
	if (getsockopt(in->sock, SOL_SOCKET, SO_PEERCRED, &cred, &size) < 0) {
		in->result = -errno;
		close(in->sock);
		in->sock = -1;
		return;
	}
	size = sizeof pidfd;
	if (getsockopt(in->sock, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &size) < 0)
		pidfd = -errno;
	in->pid = cred.pid;
	in->uid = (int32_t)cred.uid;
	in->gid = (int32_t)cred.gid;
	in->pidfd = pidfd;
}

/*
 * One turn: every out entry is tried, then up to MAX_IN ready things are taken, each socket once
 * (so that no client starves another). Returns the number of in entries, or -errno.
 */
EXPORT int64_t dmab_step(struct step *s)
{
	struct epoll_event events[MAX_IN / 2];
	int received = 0;

	s->began_ms = now_ms();
	step_send(s);
	s->nin = 0;
	int n = epoll_wait(s->epoll, events, MAX_IN / 2, s->timeout_ms);
	s->waited_ms = now_ms();
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	for (int i = 0; i < n; i++) {
		int fd = (int)(uint32_t)events[i].data.u64;
		struct in *in = &s->in[s->nin];
		/* The words that are always read: the fds behind them are a kilobyte. */
		memset(in, 0, offsetof(struct in, fds));
		in->sock = fd;
		if (fd == s->listener) {
			step_accept(s, in);
			s->nin++;
		} else if (fd == s->wake) {
			uint64_t count;
			in->kind = IN_WAKE;
			in->result = (int32_t)read(fd, &count, sizeof count);
			s->nin++;
		} else if (events[i].data.u64 >> 32 == WATCH_PROCESS) {
			in->kind = IN_EXITED;
			s->nin++;
		} else {
			/* Level-triggered: who is passed over now is first in the next turn. */
			if (events[i].data.u64 >> 32 != WATCH_MUTED &&
			    (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) &&
			    received < TURN_FDS) {
				in->kind = IN_DATA;
				in->result = (int32_t)dmab_receive(fd, s->in_bytes[s->nin], IN_BYTES,
								   in->fds, &in->nfds, &in->lost);
				received += in->nfds;
				s->nin++;
			}
			if (events[i].events & EPOLLOUT) {
				struct in *writable = &s->in[s->nin];
				memset(writable, 0, offsetof(struct in, fds));
				writable->kind = IN_WRITABLE;
				writable->sock = fd;
				s->nin++;
			}
		}
	}
	return s->nin;
}

/* epoll_ctl with a plain event word: struct epoll_event is packed on x86-64 and not elsewhere. */
EXPORT int64_t dmab_epoll(int epoll, int op, int fd, uint32_t events, uint32_t what)
{
	struct epoll_event event = {
		.events = events,
		.data.u64 = (uint64_t)what << 32 | (uint32_t)fd,
	};
	return epoll_ctl(epoll, op, fd, &event) < 0 ? -errno : 0;
}

/* ---- readiness for Node's event loop -------------------------------------------------------- */

struct watch {
	int sock; /* the thread's own descriptor, so that closing the caller's loses no event */
	int epoll, notify;
};

static void watch_free(struct watch *w)
{
	if (w->epoll >= 0)
		close(w->epoll);
	if (w->sock >= 0)
		close(w->sock);
	free(w);
}

static void *watch_thread(void *arg)
{
	struct watch *w = arg;
	struct epoll_event event;

	for (;;) {
		int n = epoll_wait(w->epoll, &event, 1, -1);
		if (n < 0 && errno == EINTR)
			continue;
		/* The notify pipe's reader is gone, or the socket is: the watch is over. */
		if (n < 0 || write(w->notify, "", 1) != 1 || (event.events & (EPOLLHUP | EPOLLERR)))
			break;
	}
	close(w->notify);
	watch_free(w);
	return NULL;
}

/*
 * Starts a thread that writes a byte to `notify` each time that `sock` becomes readable
 * (edge-triggered: the reader must read until EAGAIN). It ends when the socket is shut down by
 * either side. On success it owns `notify`. Returns 0 or -errno.
 */
EXPORT int64_t dmab_watch(int sock, int notify)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLRDHUP | EPOLLET };
	struct watch *w = malloc(sizeof *w);
	pthread_attr_t attr;
	pthread_t thread;
	int error;

	if (!w)
		return -ENOMEM;
	*w = (struct watch){
		.sock = fcntl(sock, F_DUPFD_CLOEXEC, 3),
		.epoll = epoll_create1(EPOLL_CLOEXEC),
		.notify = notify,
	};
	if (w->sock < 0 || w->epoll < 0 || epoll_ctl(w->epoll, EPOLL_CTL_ADD, w->sock, &event) < 0) {
		error = errno;
		watch_free(w);
		return -error;
	}
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	error = pthread_create(&thread, &attr, watch_thread, w);
	pthread_attr_destroy(&attr);
	if (error)
		watch_free(w);
	return -error;
}
