/* The thin half of the simulated camera: preloaded into the program under test, it makes /dev/video* and /dev/v4l*
 * appear there.  Everything that has a state lives in the server (camera.py); this file keeps none but a few cached
 * connections, so that dup, close, fork and exec need no care at all:
 *
 *   - a node such as $SIMCAM_DIRECTORY/dev/video0 is a unix stream socket that the server listens on;
 *   - open() connects to it.  The connected socket IS the file descriptor the program gets: the server sends one byte
 *     for each filled buffer and hangs up on unplug, so poll, select and epoll work without help;
 *   - an ioctl is recognised by the peer's address of the descriptor, and is forwarded over a second connection to the
 *     same node, naming the open file by the inode of its socket (which dup and fork preserve);
 *   - mmap fetches the memory of the buffers as a descriptor and maps that;
 *   - while a file streams, what tells full buffers from free ones is in memory that the server shares (ring.py), so
 *     that to queue and to dequeue one costs about as little as in a kernel.
 *
 * Raw system calls stand in for the libc functions: they need no look-up, so nothing can recurse during start-up. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/videodev2.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

_Static_assert(sizeof(long) == 8, "struct stat of kernel and libc agree on 64-bit machines only");

#define VIDEO_MAJOR 81
#define MAP_BUFFERS 0u   /* the one request that is not an ioctl: hand over the memory of the buffers */
#define MOST_CONTROLS 512
#define MOST_BUFFERS 32
#define UNUSED __attribute__((unused))
#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
/* A second name for a function; in assembler, since the types of the 64-bit twins differ in name only. */
#define ALSO(name, second) __asm__(".globl " #second "\n.set " #second ", " #name);

/* Sent once on a new connection; answered with an int32 errno.  `camera.py` has the same layouts. */
struct hello { uint64_t key; uint32_t kind, flags, pid, unused; };
enum { OPEN_NODE = 1, CALLS = 2 };
struct question { uint64_t key; uint32_t request, length; };
/* `streaming` is whether the open file that asked streams now; the data follow, as long as they were. */
struct answer { int32_t error; uint16_t tokens, streaming; };

/* The buffers of a stream: `ring.py` has the same layout.  Who appends writes `appended`, who takes writes `taken`. */
struct queue { uint64_t appended, taken, entries[MOST_BUFFERS]; };
struct buffer { uint64_t flags, used, sequence, monotonic_ns, offset, length; };
struct ring { uint64_t gone; struct queue waiting, filled; struct buffer buffers[MOST_BUFFERS]; };

static char root[96];
static size_t root_length;
static int started;

/* Also called lazily: constructors of other libraries may open files before ours ran. */
__attribute__((constructor)) static void start(void)
{
    const char *directory = getenv("SIMCAM_DIRECTORY");
    if (!started && directory && strlen(directory) < sizeof root - 8) {
        strcpy(root, directory);
        root_length = strlen(root);
    }
    started = 1;
}

static int simulating(void)
{
    if (!started)
        start();
    return root_length > 0;
}

static int starts_with(const char *text, const char *prefix) { return strncmp(text, prefix, strlen(prefix)) == 0; }

/* The path to use instead of `path`, in `room` (PATH_MAX bytes), or NULL when it is none of ours. */
static const char *device_path(const char *path, char *room)
{
    static const char *const ours[] = {"/dev/video", "/dev/v4l", "/sys/class/video4linux", "/sys/dev/char/81:"};
    if (path && path[0] == '/' && simulating())
        for (unsigned i = 0; i < sizeof ours / sizeof *ours; i++)
            if (starts_with(path, ours[i]) && snprintf(room, PATH_MAX, "%s%s", root, path) < PATH_MAX)
                return room;
    return NULL;
}

/* The same for calls that list or watch a folder; the server keeps links to all other devices in its "dev". */
static const char *folder_path(const char *path, char *room)
{
    if (path && simulating() && (!strcmp(path, "/dev") || !strcmp(path, "/dev/"))) {
        snprintf(room, PATH_MAX, "%s/dev", root);
        return room;
    }
    return device_path(path, room);
}

static int raw_stat(int place, const char *path, struct stat *out, int flags)
{
    return (int)syscall(SYS_newfstatat, place, path, out, flags);
}

/* Declares `there`: where the call about `path` shall go. `ours` is NULL when that is where it went anyway. */
#define REDIRECT(path, find)                                                                                           \
    char redirected[PATH_MAX];                                                                                         \
    const char *ours = find(path, redirected), *there = ours ? ours : path

/* True when `fd` is an open simulated device; its node goes to `node`. Leaves errno alone. */
static int is_camera(int fd, struct sockaddr_un *node)
{
    socklen_t length = sizeof *node;
    int before = errno, yes = 0;
    if (fd >= 0 && simulating()) {
        memset(node, 0, sizeof *node);
        yes = getpeername(fd, (struct sockaddr *)node, &length) == 0 && node->sun_family == AF_UNIX &&
              starts_with(node->sun_path, root) && starts_with(node->sun_path + root_length, "/dev/video");
        errno = before;
    }
    return yes;
}

static uint64_t inode(int fd)
{
    struct stat found;
    return syscall(SYS_fstat, fd, &found) == 0 ? found.st_ino : 0;
}

/* ---- connections to the server ----------------------------------------------------------------------------------- */

/* Connect to a node and say what for. Returns a descriptor, or -1 with errno. */
static int greet(const struct sockaddr_un *node, uint32_t kind, int flags)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    struct hello hello = {inode(fd), kind, (uint32_t)flags, (uint32_t)getpid(), 0};
    int32_t error = ENODEV;
    if (TEMP_FAILURE_RETRY(connect(fd, (const struct sockaddr *)node, sizeof *node)) < 0 ||
        TEMP_FAILURE_RETRY(send(fd, &hello, sizeof hello, MSG_NOSIGNAL)) != sizeof hello ||
        TEMP_FAILURE_RETRY(recv(fd, &error, sizeof error, 0)) != sizeof error)
        error = ENODEV;
    if (!error)
        return fd;
    close(fd);
    errno = error;
    return -1;
}

/* One connection for calls per node; `inode` and `pid` tell whether the descriptor is still what we left there.
 * `ring` is that of the open file with the inode `streaming`, if one of ours streams. */
static struct line {
    struct sockaddr_un node;
    int fd;
    uint64_t inode;
    pid_t pid;
    uint64_t streaming;
    struct ring *ring;
} lines[8];
static pthread_mutex_t lines_mutex = PTHREAD_MUTEX_INITIALIZER;

static void lock_lines(void) { pthread_mutex_lock(&lines_mutex); }
static void unlock_lines(void) { pthread_mutex_unlock(&lines_mutex); }
__attribute__((constructor)) static void guard_fork(void) { pthread_atfork(lock_lines, unlock_lines, unlock_lines); }

/* Take note that the open file streams with the ring behind a descriptor, or (-1) that no ring is known of. */
static void set_ring(struct line *line, uint64_t streaming, int descriptor)
{
    if (line->ring)
        syscall(SYS_munmap, line->ring, sizeof *line->ring);
    line->streaming = 0;
    line->ring = NULL;
    if (descriptor < 0)
        return;
    void *ring = (void *)syscall(SYS_mmap, NULL, sizeof *line->ring, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    close(descriptor);
    if (ring != MAP_FAILED) {
        line->streaming = streaming;
        line->ring = ring;
    }
}

static void hang_up(struct line *line)
{
    set_ring(line, 0, -1);
    if (line->inode && inode(line->fd) == line->inode)
        close(line->fd);
    line->inode = 0;
}

static struct line *line_to(const struct sockaddr_un *node)
{
    static unsigned next;
    struct line *line = NULL;
    for (unsigned i = 0; i < 8 && !line; i++)
        if (!strcmp(lines[i].node.sun_path, node->sun_path))
            line = &lines[i];
    if (!line)
        line = &lines[next++ % 8];
    if (!line->inode || strcmp(line->node.sun_path, node->sun_path) || line->pid != getpid() ||
        inode(line->fd) != line->inode) {
        hang_up(line);  /* not ours any more: another node's, the parent's after a fork, or closed by a daemoniser */
        int fd = greet(node, CALLS, 0);
        if (fd < 0)
            return NULL;
        *line = (struct line){*node, fd, inode(fd), getpid(), 0, NULL};
    }
    return line;
}

/* Ask the server. `data` (of `length` bytes) is overwritten by the answer. Returns 0 or an errno. */
static int ask(const struct sockaddr_un *node, int camera, uint32_t request, void *data, size_t length,
               uint32_t *tokens, int *memory)
{
    struct question question = {inode(camera), request, (uint32_t)length};
    struct answer answer = {ENODEV, 0, 0};
    char control[CMSG_SPACE(sizeof(int))];
    lock_lines();
    for (int attempt = 0; attempt < 2; attempt++) {  /* a second time, since the kept connection may be a dead one */
        struct iovec out[2] = {{&question, sizeof question}, {data, length}};
        struct iovec in[2] = {{&answer, sizeof answer}, {data, length}};
        struct msghdr sent = {.msg_iov = out, .msg_iovlen = 2};
        struct msghdr got = {.msg_iov = in, .msg_iovlen = 2, .msg_control = control, .msg_controllen = sizeof control};
        struct line *line = line_to(node);
        if (!line)
            break;
        if (TEMP_FAILURE_RETRY(sendmsg(line->fd, &sent, MSG_NOSIGNAL)) == (ssize_t)(sizeof question + length) &&
            TEMP_FAILURE_RETRY(recvmsg(line->fd, &got, MSG_WAITALL | MSG_CMSG_CLOEXEC)) ==
                (ssize_t)(sizeof answer + length)) {
            struct cmsghdr *extra = CMSG_FIRSTHDR(&got);
            int descriptor = -1;
            if (extra && extra->cmsg_type == SCM_RIGHTS)
                memcpy(&descriptor, CMSG_DATA(extra), sizeof descriptor);
            if (memory)
                *memory = descriptor;
            else if (descriptor >= 0 || (line->streaming == question.key && !answer.streaming))
                set_ring(line, question.key, descriptor);
            break;
        }
        hang_up(line);
        answer = (struct answer){ENODEV, 0, 0};
    }
    unlock_lines();
    *tokens = answer.tokens;
    return answer.error;
}

/* ---- buffers of a stream ----------------------------------------------------------------------------------------- */

static uint32_t length_of(const struct queue *queue)
{
    return (uint32_t)(__atomic_load_n(&queue->appended, __ATOMIC_ACQUIRE) -
                      __atomic_load_n(&queue->taken, __ATOMIC_ACQUIRE));
}

static void tell(struct v4l2_buffer *out, uint32_t index, const struct buffer *buffer)
{
    *out = (struct v4l2_buffer){
        .index = index, .type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .bytesused = (uint32_t)buffer->used,
        .flags = (uint32_t)buffer->flags | V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC | V4L2_BUF_FLAG_TSTAMP_SRC_SOE,
        .field = V4L2_FIELD_NONE, .sequence = (uint32_t)buffer->sequence, .memory = V4L2_MEMORY_MMAP,
        .timestamp = {(long)(buffer->monotonic_ns / 1000000000), (long)(buffer->monotonic_ns / 1000 % 1000000)},
        .m.offset = (uint32_t)buffer->offset, .length = (uint32_t)buffer->length};
}

static int dequeue(struct ring *ring, int fd, struct v4l2_buffer *out)
{
    char token;
    if (!length_of(&ring->filled))  /* nothing yet; or the server, which hangs up, is no more */
        return recv(fd, &token, 1, MSG_PEEK | MSG_DONTWAIT) == 0 ? ENODEV : EAGAIN;
    if (recv(fd, &token, 1, MSG_DONTWAIT) != 1)
        return EAGAIN;  /* filled this moment: the token is on its way */
    uint32_t index = (uint32_t)ring->filled.entries[ring->filled.taken % MOST_BUFFERS] % MOST_BUFFERS;
    __atomic_store_n(&ring->filled.taken, ring->filled.taken + 1, __ATOMIC_RELEASE);
    ring->buffers[index].flags = 0;
    tell(out, index, &ring->buffers[index]);
    return 0;
}

static int enqueue(struct ring *ring, struct v4l2_buffer *out)
{
    uint32_t index = out->index;
    ring->buffers[index].flags = V4L2_BUF_FLAG_QUEUED;
    ring->waiting.entries[ring->waiting.appended % MOST_BUFFERS] = index;
    __atomic_store_n(&ring->waiting.appended, ring->waiting.appended + 1, __ATOMIC_RELEASE);
    tell(out, index, &ring->buffers[index]);
    return 0;
}

/* Queue or dequeue a buffer without asking. Returns 0 or an errno, and -1 for everything that the server has to judge. */
static int by_ring(const struct sockaddr_un *node, int fd, uint32_t request, struct v4l2_buffer *buffer)
{
    int error = -1;
    if ((request != VIDIOC_DQBUF && request != VIDIOC_QBUF) || buffer->type != V4L2_BUF_TYPE_VIDEO_CAPTURE)
        return error;
    lock_lines();
    struct line *line = line_to(node);
    if (line && line->ring && line->streaming == inode(fd) && !__atomic_load_n(&line->ring->gone, __ATOMIC_ACQUIRE)) {
        if (request == VIDIOC_DQBUF)
            error = dequeue(line->ring, fd, buffer);
        else if (buffer->index < MOST_BUFFERS && line->ring->buffers[buffer->index].length &&
                 !line->ring->buffers[buffer->index].flags && !(buffer->flags & V4L2_BUF_FLAG_REQUEST_FD))
            error = enqueue(line->ring, buffer);
    }
    unlock_lines();
    return error;
}

/* ---- ioctl and mmap ---------------------------------------------------------------------------------------------- */

static int camera_ioctl(const struct sockaddr_un *node, int fd, uint32_t request, void *argument)
{
    _Alignas(8) char room[256 + MOST_CONTROLS * sizeof(struct v4l2_ext_control)];
    struct v4l2_ext_controls *list = NULL;
    size_t size = _IOC_SIZE(request), total = size;
    uint32_t tokens = 0;
    char token;
    if (size > 256 || (size && !argument))
        return size > 256 ? ENOTTY : EFAULT;
    if (request == VIDIOC_G_EXT_CTRLS || request == VIDIOC_S_EXT_CTRLS || request == VIDIOC_TRY_EXT_CTRLS) {
        list = argument;
        if (list->count > (unsigned)MOST_CONTROLS || (list->count && !list->controls))
            return EINVAL;
        total += list->count * sizeof *list->controls;
    }
    for (;;) {
        memcpy(room, argument, size);
        if (list)  /* the one argument with a pointer in it: what it points to travels right behind it */
            memcpy(room + size, list->controls, total - size);
        if (request == VIDIOC_DQEVENT) {  /* lower the mark before asking: afterwards it could be a new event's */
            int unread = 0;
            recv(fd, &token, 1, MSG_OOB | MSG_DONTWAIT);
            if (syscall(SYS_ioctl, fd, FIONREAD, &unread) == 0 && !unread)
                recv(fd, &token, 1, MSG_DONTWAIT);  /* what is left of the mark would show as readable */
        }
        int error = by_ring(node, fd, request, argument);
        int is_told = error >= 0;
        if (!is_told)
            error = ask(node, fd, request, room, total, &tokens, NULL);
        while (tokens-- && recv(fd, &token, 1, MSG_DONTWAIT) == 1)
            ;  /* a token for each buffer that waits no longer */
        if ((error == EAGAIN || error == ENOENT) && (request == VIDIOC_DQBUF || request == VIDIOC_DQEVENT) &&
            !(fcntl(fd, F_GETFL) & O_NONBLOCK)) {
            struct pollfd wait = {fd, request == VIDIOC_DQBUF ? POLLIN : POLLPRI, 0};
            if (poll(&wait, 1, -1) < 0)
                return errno;
            continue;
        }
        if (list && error != ENODEV) {
            list->error_idx = ((struct v4l2_ext_controls *)room)->error_idx;
            memcpy(list->controls, room + size, total - size);
        } else if (error == 0 && !is_told) {
            memcpy(argument, room, size);
        }
        return error;
    }
}

int ioctl(int fd, unsigned long request, ...)
{
    struct sockaddr_un node;
    va_list rest;
    va_start(rest, request);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    if (_IOC_TYPE(request) != 'V' || !is_camera(fd, &node))
        return (int)syscall(SYS_ioctl, fd, request, argument);
    int error = camera_ioctl(&node, fd, (uint32_t)request, argument);
    if (error)
        errno = error;
    return error ? -1 : 0;
}

void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
    struct sockaddr_un node;
    int memory = -1;
    uint32_t tokens = 0;
    if ((flags & MAP_ANONYMOUS) || !is_camera(fd, &node))
        return (void *)syscall(SYS_mmap, address, length, protection, flags, fd, offset);
    uint64_t place[2] = {(uint64_t)offset, length};
    int error = ask(&node, fd, MAP_BUFFERS, place, sizeof place, &tokens, &memory);
    if (error || memory < 0) {
        errno = error ? error : EINVAL;
        return MAP_FAILED;
    }
    void *mapped = (void *)syscall(SYS_mmap, address, length, protection, flags, memory, offset);
    int result = errno;
    close(memory);
    errno = result;
    return mapped;
}
ALSO(mmap, mmap64)

/* ---- paths: open ------------------------------------------------------------------------------------------------- */

static int open_device(const char *path, int flags, mode_t mode)
{
    struct sockaddr_un node = {.sun_family = AF_UNIX};
    struct stat found;
    char room[1024] = "";
    int place = (int)syscall(SYS_openat, AT_FDCWD, path, O_PATH | O_CLOEXEC);
    if (place < 0)
        return -1;
    syscall(SYS_fstat, place, &found);
    if (!S_ISSOCK(found.st_mode)) {
        close(place);
        return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    }
    int fd = -1;
    if (found.st_mode & 0777) {
        /* By descriptor, since links such as by-id are too long for an address of 108 bytes. */
        snprintf(node.sun_path, sizeof node.sun_path, "/proc/self/fd/%d", place);
        fd = greet(&node, OPEN_NODE, flags);
    } else {
        errno = EACCES;  /* checked here because root may open anything */
    }
    int result = errno;
    close(place);
    errno = result;
    if (fd >= 0) {
        /* A camera is never ready to be written to (ustreamer takes that for an unplug), so: stuff the socket. */
        int least = 1;
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &least, sizeof least);
        while (send(fd, room, sizeof room, MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
            ;
        fcntl(fd, F_SETFD, flags & O_CLOEXEC ? FD_CLOEXEC : 0);
        fcntl(fd, F_SETFL, flags & O_NONBLOCK);
    }
    return fd;
}

static int open_any(int place, const char *path, int flags, va_list rest)
{
    mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0;  /* other calls have none */
    char room[PATH_MAX];
    const char *ours = device_path(path, room);
    return ours ? open_device(ours, flags, mode) : (int)syscall(SYS_openat, place, path, flags, mode);
}

int open(const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    int fd = open_any(AT_FDCWD, path, flags, rest);
    va_end(rest);
    return fd;
}

int openat(int place, const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    int fd = open_any(place, path, flags, rest);
    va_end(rest);
    return fd;
}

ALSO(open, open64)
ALSO(open, __open_2)
ALSO(open, __open64_2)
ALSO(openat, openat64)
ALSO(openat, __openat_2)
ALSO(openat, __openat64_2)

/* ---- paths: stat ------------------------------------------------------------------------------------------------- */

/* The node's modification time is its minor number (set by the server): links to it show it as well. */
static int stat_any(int place, const char *path, struct stat *out, int flags)
{
    struct sockaddr_un node;
    REDIRECT(path, device_path);
    int rc = raw_stat(place, there, out, flags);
    if (rc == 0 && S_ISSOCK(out->st_mode)) {
        if (ours) {
            out->st_rdev = makedev(VIDEO_MAJOR, (unsigned)out->st_mtime);
        } else if ((flags & AT_EMPTY_PATH) && !*path && is_camera(place, &node)) {
            out->st_rdev = makedev(VIDEO_MAJOR, (unsigned)atoi(node.sun_path + root_length + strlen("/dev/video")));
        } else {
            return rc;
        }
        out->st_mode = S_IFCHR | (out->st_mode & 0777);
    }
    return rc;
}

int fstatat(int place, const char *path, struct stat *out, int flags) { return stat_any(place, path, out, flags); }
int stat(const char *path, struct stat *out) { return stat_any(AT_FDCWD, path, out, 0); }
int lstat(const char *path, struct stat *out) { return stat_any(AT_FDCWD, path, out, AT_SYMLINK_NOFOLLOW); }
int fstat(int fd, struct stat *out) { return stat_any(fd, "", out, AT_EMPTY_PATH); }
ALSO(fstatat, fstatat64)
ALSO(stat, stat64)
ALSO(lstat, lstat64)
ALSO(fstat, fstat64)

/* What programs call that were built with a libc older than 2.33; the first argument is always the same. */
int __xstat(int version UNUSED, const char *path, struct stat *out) { return stat(path, out); }
int __lxstat(int version UNUSED, const char *path, struct stat *out) { return lstat(path, out); }
int __fxstat(int version UNUSED, int fd, struct stat *out) { return fstat(fd, out); }
int __fxstatat(int version UNUSED, int at, const char *path, struct stat *out, int flags)
{
    return fstatat(at, path, out, flags);
}

ALSO(__xstat, __xstat64)
ALSO(__lxstat, __lxstat64)
ALSO(__fxstat, __fxstat64)
ALSO(__fxstatat, __fxstatat64)

int statx(int place, const char *path, int flags, unsigned mask, struct statx *out)
{
    REDIRECT(path, device_path);
    struct stat plain;
    int rc = (int)syscall(SYS_statx, place, there, flags, mask, out);
    flags &= AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH;
    if (rc == 0 && S_ISSOCK(out->stx_mode) && stat_any(place, path, &plain, flags) == 0) {
        out->stx_mode = (uint16_t)plain.st_mode;
        out->stx_rdev_major = major(plain.st_rdev);
        out->stx_rdev_minor = minor(plain.st_rdev);
    }
    return rc;
}

/* ---- paths: the rest --------------------------------------------------------------------------------------------- */

int faccessat(int place, const char *path, int mode, int flags)
{
    struct stat found;
    REDIRECT(path, device_path);
    int rc = NEXT(faccessat)(place, there, mode, flags);
    if (rc == 0 && ours && mode != F_OK && raw_stat(AT_FDCWD, ours, &found, 0) == 0 && !(found.st_mode & 0777)) {
        errno = EACCES;  /* as in open_device: also for root */
        return -1;
    }
    return rc;
}

int access(const char *path, int mode) { return faccessat(AT_FDCWD, path, mode, 0); }

ssize_t readlinkat(int place, const char *path, char *out, size_t size)
{
    REDIRECT(path, device_path);
    return syscall(SYS_readlinkat, place, there, out, size);
}

ssize_t readlink(const char *path, char *out, size_t size) { return readlinkat(AT_FDCWD, path, out, size); }

char *realpath(const char *path, char *out)
{
    REDIRECT(path, device_path);
    char top[PATH_MAX];
    char *found = NEXT(realpath)(there, out);
    if (found && ours && NEXT(realpath)(root, top) && starts_with(found, top))
        memmove(found, found + strlen(top), strlen(found) - strlen(top) + 1);
    return found;
}

FILE *fopen(const char *path, const char *mode)
{
    REDIRECT(path, device_path);
    return NEXT(fopen)(there, mode);
}
ALSO(fopen, fopen64)

DIR *opendir(const char *path)
{
    REDIRECT(path, folder_path);
    return NEXT(opendir)(there);
}

int inotify_add_watch(int fd, const char *path, uint32_t mask)
{
    REDIRECT(path, folder_path);
    return (int)syscall(SYS_inotify_add_watch, fd, there, mask);
}
