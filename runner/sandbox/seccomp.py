"""The system calls a test suite may use: an allow-list of our own, since the engine's default differs between versions."""

import errno
import json
from functools import cache
from typing import Any

_FILES = """
access chdir chmod chown close close_range copy_file_range creat dup dup2 dup3 faccessat faccessat2 fadvise64 fallocate fchdir
fchmod fchmodat fchmodat2 fchown fchownat fcntl fdatasync fgetxattr flistxattr flock fstat fstatfs fsync ftruncate futimesat getcwd
getdents getdents64 getxattr inotify_add_watch inotify_init inotify_init1 inotify_rm_watch ioctl lchown lgetxattr link linkat listxattr
llistxattr lseek lstat mkdir mkdirat newfstatat open openat openat2 pipe pipe2 pread64 preadv preadv2 pwrite64 pwritev pwritev2 read
readahead readlink readlinkat readv rename renameat renameat2 rmdir sendfile splice stat statfs statx symlink symlinkat sync
sync_file_range syncfs tee truncate umask unlink unlinkat utime utimensat utimes write writev
"""
_WAITING = """
epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2 io_cancel io_destroy
io_getevents io_pgetevents io_setup io_submit poll ppoll pselect6 select signalfd signalfd4 timerfd_create timerfd_gettime timerfd_settime
"""
_MEMORY = """
brk madvise membarrier memfd_create mincore mlock mlock2 mlockall mmap mprotect mremap msync munlock munlockall munmap pkey_alloc pkey_free
pkey_mprotect
"""
_PROCESSES = """
alarm arch_prctl capget capset execve execveat exit exit_group fork futex futex_waitv get_robust_list get_thread_area getcpu getegid geteuid
getgid getgroups getitimer getpgid getpgrp getpid getppid getpriority getresgid getresuid getrlimit getrusage getsid gettid getuid
ioprio_get kill landlock_add_rule landlock_create_ruleset landlock_restrict_self pause pidfd_open pidfd_send_signal prctl prlimit64
restart_syscall rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_tgsigqueueinfo
sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval
sched_setaffinity sched_yield seccomp set_robust_list set_thread_area set_tid_address setfsgid setfsuid setgid setgroups setitimer
setpgid setpriority setregid setresgid setresuid setreuid setrlimit setsid setuid sigaltstack tgkill tkill vfork wait4 waitid
"""
_CLOCKS_AND_HOST = """
clock_getres clock_gettime clock_nanosleep getrandom gettimeofday nanosleep sysinfo time timer_create timer_delete timer_getoverrun
timer_gettime timer_settime times uname
"""
_TALKING = """
accept accept4 bind connect getpeername getsockname getsockopt listen msgctl msgget msgrcv msgsnd recvfrom recvmmsg recvmsg semctl semget
semop semtimedop sendmmsg sendmsg sendto setsockopt shmat shmctl shmdt shmget shutdown socketpair
"""
_DENIED = """
acct add_key adjtimex bpf chroot clock_adjtime clock_settime delete_module fanotify_init fanotify_mark finit_module fsconfig fsetxattr
fremovexattr fsmount fsopen fspick get_mempolicy init_module io_uring_enter io_uring_register io_uring_setup ioperm iopl kcmp
kexec_file_load kexec_load keyctl lookup_dcookie lremovexattr lsetxattr mbind memfd_secret migrate_pages modify_ldt mount mount_setattr
move_mount move_pages mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedsend mq_unlink name_to_handle_at open_by_handle_at
open_tree perf_event_open pidfd_getfd pivot_root process_madvise process_vm_readv process_vm_writev ptrace quotactl quotactl_fd reboot
remap_file_pages removexattr request_key set_mempolicy setdomainname sethostname setns settimeofday setxattr swapoff swapon syslog
umount umount2 unshare userfaultfd vhangup vmsplice
"""
_ABSENT = "clone3 statmount listmount lsm_get_self_attr lsm_set_self_attr lsm_list_modules map_shadow_stack mseal open_tree_attr"
"""Answered as by an older kernel, so that the C library falls back; `clone3` hides its flags from a filter."""

_NEW_NAMESPACES = 0x7E020000
"""Every CLONE_NEW* flag of `clone`."""
_PERSONALITIES = (0x0, 0x8, 0x20000, 0x20008, 0xFFFFFFFF)
_FAMILIES = (1, 2, 10)
"""AF_UNIX, AF_INET, AF_INET6."""
_NETLINK, _ROUTE = 16, 0
_FORMAT, _FIFO = 0o170000, 0o010000


def _argument(index: int, value: int, *, mask: int | None = None) -> dict[str, Any]:
    if mask is None:
        return {"index": index, "value": value, "op": "SCMP_CMP_EQ"}
    return {"index": index, "value": mask, "valueTwo": value, "op": "SCMP_CMP_MASKED_EQ"}


def _allow(names: str, *arguments: dict[str, Any]) -> dict[str, Any]:
    return {"names": names.split(), "action": "SCMP_ACT_ALLOW", "args": list(arguments)}


def _answer(names: str, number: int) -> dict[str, Any]:
    return {"names": names.split(), "action": "SCMP_ACT_ERRNO", "errnoRet": number}


@cache
def profile() -> str:
    """The profile as the engine takes it: JSON text.

    Calls that nobody lists answer ENOSYS where the engine honours `defaultErrnoRet` (20.10 answers EPERM). Only the native
    entry points of x86_64 and aarch64 are open: `subArchitectures` stays empty.
    """
    calls = [
        _allow(_FILES + _WAITING + _MEMORY + _PROCESSES + _CLOCKS_AND_HOST + _TALKING),
        _answer(_DENIED, errno.EPERM),
        _answer(_ABSENT, errno.ENOSYS),
        _allow("clone", _argument(0, 0, mask=_NEW_NAMESPACES)),
        _allow("mknod", _argument(1, _FIFO, mask=_FORMAT)),
        _allow("mknodat", _argument(2, _FIFO, mask=_FORMAT)),
        *(_allow("personality", _argument(0, value)) for value in _PERSONALITIES),
        *(_allow("socket", _argument(0, family)) for family in _FAMILIES),
        _allow("socket", _argument(0, _NETLINK), _argument(2, _ROUTE)),
    ]
    architectures: list[dict[str, Any]] = [
        {"architecture": name, "subArchitectures": []} for name in ("SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64")
    ]
    return json.dumps(
        {"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": errno.ENOSYS, "archMap": architectures, "syscalls": calls},
        separators=(",", ":"),
    )
