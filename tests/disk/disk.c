/* A disk that keeps a record and fails on demand, preloaded (LD_PRELOAD) into the unmodified program.
 *
 * Every change below $DISK_ROOT is written to the file $DISK_RECORD, in the order in which the kernel did it:
 *
 *     operation TAB path TAB other path or inode TAB offset TAB number of bytes of data NEWLINE, then the data
 *
 * The file $DISK_FAULTS says what fails, and is read at every change: one fault in each line, as
 *
 *     operation SPACE errno SPACE part of the path
 *
 * where the operation `any` is all of them. A write that is to fail first writes half of its bytes, as a disk does
 * whose last blocks it takes.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DESCRIPTORS 65536

static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;
static char *paths[DESCRIPTORS];            /* of descriptors that were opened below the root */
static unsigned char shortened[DESCRIPTORS]; /* those whose last write was cut in half */
static const char *root, *record, *faults;
static size_t root_length;

#define REAL(type, name, ...)                                     \
    static type (*real_##name)(__VA_ARGS__);                      \
    if (!real_##name) real_##name = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

__attribute__((constructor)) static void begin(void)
{
    root = getenv("DISK_ROOT");
    record = getenv("DISK_RECORD");
    faults = getenv("DISK_FAULTS");
    root_length = root ? strlen(root) : 0;
}

static int real_open_for(const char *path, int flags, mode_t mode)
{
    REAL(int, open64, const char *, int, ...);
    return real_open64(path, flags, mode);
}

static ssize_t real_write_to(int fd, const void *data, size_t size)
{
    REAL(ssize_t, write, int, const void *, size_t);
    return real_write(fd, data, size);
}

static int real_close_of(int fd)
{
    REAL(int, close, int);
    return real_close(fd);
}

/* Put the absolute path into `full` and tell whether it is below the root. */
static int is_ours(int folder, const char *path, char *full)
{
    if (!root || !path) return 0;
    if (path[0] == '/') {
        snprintf(full, PATH_MAX, "%s", path);
    } else if (folder == AT_FDCWD) {
        char here[PATH_MAX];
        if (!getcwd(here, sizeof here)) return 0;
        if (snprintf(full, PATH_MAX, "%s/%s", here, path) >= PATH_MAX) return 0;
    } else {
        if (folder < 0 || folder >= DESCRIPTORS || !paths[folder]) return 0;
        if (snprintf(full, PATH_MAX, "%s/%s", paths[folder], path) >= PATH_MAX) return 0;
    }
    return strncmp(full, root, root_length) == 0 && (full[root_length] == '/' || !full[root_length]);
}

static void note(const char *operation, const char *path, const char *other, long long offset, const void *data,
                 size_t size)
{
    int kept = errno, fd = real_open_for(record, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    char head[2 * PATH_MAX + 100];
    int length = snprintf(head, sizeof head, "%s\t%s\t%s\t%lld\t%zu\n", operation, path, other, offset, size);
    if (fd < 0 || real_write_to(fd, head, length) != length || real_write_to(fd, data, size) != (ssize_t)size) abort();
    real_close_of(fd);
    errno = kept;
}

/* Tell whether the operation is to fail, with errno set. */
static int fails(const char *operation, const char *path)
{
    char text[4096];
    int kept = errno, fd = real_open_for(faults, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0) {
        errno = kept;
        return 0;
    }
    ssize_t length = read(fd, text, sizeof text - 1);
    real_close_of(fd);
    text[length > 0 ? length : 0] = 0;
    for (char *state, *line = strtok_r(text, "\n", &state); line; line = strtok_r(NULL, "\n", &state)) {
        char wanted[32] = "", part[PATH_MAX] = "";
        int number = 0;
        if (sscanf(line, "%31s %d %4095s", wanted, &number, part) < 2) continue;
        if ((strcmp(wanted, operation) == 0 || strcmp(wanted, "any") == 0) && strstr(path, part)) {
            errno = number;
            return 1;
        }
    }
    errno = kept;
    return 0;
}

static void inode_of(int fd, char *text)
{
    struct stat status;
    snprintf(text, 32, "%llu", fstat(fd, &status) == 0 ? (unsigned long long)status.st_ino : 0ULL);
}

static int open_ours(int folder, const char *path, const char *full, int flags, mode_t mode)
{
    REAL(int, openat64, int, const char *, int, ...);
    char inode[32];
    pthread_mutex_lock(&order);
    int is_new = (flags & O_CREAT) && access(full, F_OK) != 0, fd = -1;
    if ((flags & O_ACCMODE) == O_RDONLY || !fails("open", full)) fd = real_openat64(folder, path, flags, mode);
    if (fd >= 0 && fd < DESCRIPTORS) {
        free(paths[fd]);
        paths[fd] = strdup(full);
        shortened[fd] = 0;
        inode_of(fd, inode);
        if (is_new) note("create", full, inode, 0, "", 0);
        else if (flags & O_TRUNC) note("truncate", full, inode, 0, "", 0);
    }
    pthread_mutex_unlock(&order);
    return fd;
}

#define OPEN(name, folder, ...)                                                    \
    {                                                                              \
        char full[PATH_MAX];                                                       \
        mode_t mode = 0;                                                           \
        if (flags & (O_CREAT | O_TMPFILE)) {                                       \
            va_list rest;                                                          \
            va_start(rest, flags);                                                 \
            mode = va_arg(rest, mode_t);                                           \
            va_end(rest);                                                          \
        }                                                                          \
        if (is_ours(folder, path, full)) return open_ours(folder, path, full, flags, mode); \
        return real_##name(__VA_ARGS__, mode);                                     \
    }

int open(const char *path, int flags, ...)
{
    REAL(int, open, const char *, int, ...);
    OPEN(open, AT_FDCWD, path, flags)
}

int open64(const char *path, int flags, ...)
{
    REAL(int, open64, const char *, int, ...);
    OPEN(open64, AT_FDCWD, path, flags)
}

int openat(int folder, const char *path, int flags, ...)
{
    REAL(int, openat, int, const char *, int, ...);
    OPEN(openat, folder, folder, path, flags)
}

int openat64(int folder, const char *path, int flags, ...)
{
    REAL(int, openat64, int, const char *, int, ...);
    OPEN(openat64, folder, folder, path, flags)
}

static const char *path_of(int fd)
{
    return fd >= 0 && fd < DESCRIPTORS ? paths[fd] : NULL;
}

ssize_t write(int fd, const void *data, size_t size)
{
    if (!path_of(fd)) return real_write_to(fd, data, size);
    char inode[32];
    ssize_t written = -1;
    pthread_mutex_lock(&order);
    if (!fails("write", paths[fd])) {
        written = 0;
    } else if (size > 1 && !shortened[fd]) {
        shortened[fd] = 1;
        size /= 2;
        written = 0;
    }
    if (written == 0) {
        long long offset = fcntl(fd, F_GETFL) & O_APPEND ? lseek(fd, 0, SEEK_END) : lseek(fd, 0, SEEK_CUR);
        written = real_write_to(fd, data, size);
        inode_of(fd, inode);
        if (written > 0) note("write", paths[fd], inode, offset, data, written);
    }
    pthread_mutex_unlock(&order);
    return written;
}

static int sync_ours(int fd, int (*real)(int))
{
    struct stat status;
    char inode[32];
    int result = -1;
    pthread_mutex_lock(&order);
    int is_folder = fstat(fd, &status) == 0 && S_ISDIR(status.st_mode);
    if (!fails(is_folder ? "fsync-folder" : "fsync", paths[fd])) result = real(fd);
    inode_of(fd, inode);
    if (result == 0) note(is_folder ? "fsync-folder" : "fsync", paths[fd], inode, 0, "", 0);
    pthread_mutex_unlock(&order);
    return result;
}

int fsync(int fd)
{
    REAL(int, fsync, int);
    return path_of(fd) ? sync_ours(fd, real_fsync) : real_fsync(fd);
}

int fdatasync(int fd)
{
    REAL(int, fdatasync, int);
    return path_of(fd) ? sync_ours(fd, real_fdatasync) : real_fdatasync(fd);
}

int close(int fd)
{
    if (!path_of(fd)) return real_close_of(fd);
    pthread_mutex_lock(&order);
    int writes = (fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDONLY, is_to_fail = writes && fails("close", paths[fd]);
    int failure = errno;
    free(paths[fd]);
    paths[fd] = NULL;
    int result = real_close_of(fd);
    if (is_to_fail) {
        errno = failure;
        result = -1;
    }
    pthread_mutex_unlock(&order);
    return result;
}

/* An operation on one name, and one on two. */
#define ONE(operation, call)                            \
    pthread_mutex_lock(&order);                         \
    int result = -1;                                    \
    if (!fails(operation, full)) result = call;         \
    if (result == 0) note(operation, full, "", 0, "", 0); \
    pthread_mutex_unlock(&order);                       \
    return result;

#define TWO(operation, call)                              \
    pthread_mutex_lock(&order);                           \
    int result = -1;                                      \
    if (!fails(operation, to)) result = call;             \
    if (result == 0) note(operation, from, to, 0, "", 0); \
    pthread_mutex_unlock(&order);                         \
    return result;

int unlinkat(int folder, const char *path, int flags)
{
    REAL(int, unlinkat, int, const char *, int);
    char full[PATH_MAX];
    if (!is_ours(folder, path, full)) return real_unlinkat(folder, path, flags);
    if (flags & AT_REMOVEDIR) {
        ONE("rmdir", real_unlinkat(folder, path, flags))
    }
    ONE("unlink", real_unlinkat(folder, path, flags))
}

int unlink(const char *path)
{
    return unlinkat(AT_FDCWD, path, 0);
}

int rmdir(const char *path)
{
    return unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

int mkdirat(int folder, const char *path, mode_t mode)
{
    REAL(int, mkdirat, int, const char *, mode_t);
    char full[PATH_MAX];
    if (!is_ours(folder, path, full)) return real_mkdirat(folder, path, mode);
    ONE("mkdir", real_mkdirat(folder, path, mode))
}

int mkdir(const char *path, mode_t mode)
{
    return mkdirat(AT_FDCWD, path, mode);
}

int renameat(int old_folder, const char *old, int new_folder, const char *new)
{
    REAL(int, renameat, int, const char *, int, const char *);
    char from[PATH_MAX], to[PATH_MAX];
    if (!is_ours(old_folder, old, from) || !is_ours(new_folder, new, to))
        return real_renameat(old_folder, old, new_folder, new);
    TWO("rename", real_renameat(old_folder, old, new_folder, new))
}

int rename(const char *old, const char *new)
{
    return renameat(AT_FDCWD, old, AT_FDCWD, new);
}

int linkat(int old_folder, const char *old, int new_folder, const char *new, int flags)
{
    REAL(int, linkat, int, const char *, int, const char *, int);
    char from[PATH_MAX], to[PATH_MAX];
    if (!is_ours(old_folder, old, from) || !is_ours(new_folder, new, to))
        return real_linkat(old_folder, old, new_folder, new, flags);
    TWO("link", real_linkat(old_folder, old, new_folder, new, flags))
}

int link(const char *old, const char *new)
{
    return linkat(AT_FDCWD, old, AT_FDCWD, new, 0);
}

int ftruncate64(int fd, off64_t length)
{
    REAL(int, ftruncate64, int, off64_t);
    if (!path_of(fd)) return real_ftruncate64(fd, length);
    char inode[32];
    pthread_mutex_lock(&order);
    int result = real_ftruncate64(fd, length);
    inode_of(fd, inode);
    if (result == 0) note("truncate", paths[fd], inode, length, "", 0);
    pthread_mutex_unlock(&order);
    return result;
}
