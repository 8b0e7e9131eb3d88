#: shell -> raised PermissionError
import os
def f(x):
    return os.system("id > /tmp/out")

#: shell_output -> raised PermissionError
import subprocess
def f(x):
    return subprocess.getoutput("cat /etc/shadow")

#: popen_subclass -> raised PermissionError
import subprocess
class Mine(subprocess.Popen):
    def __init__(self):
        super().__init__(["id"], shell=True)
def f(x):
    return Mine()

#: fork_bomb -> raised PermissionError
import os
def f(x):
    while True:
        os.fork()

#: fork_in_c -> value []
# What starts or signals a process is not even there below the patches.
import posix
def f(x):
    names = ["fork", "forkpty", "vfork", "execv", "execve", "posix_spawn", "posix_spawnp", "system", "kill", "killpg", "wait"]
    return [name for name in names if hasattr(posix, name)]

#: exec_replaces_the_process -> raised OSError
import os
def f(x):
    try:
        os.execvp("sh", ["sh", "-c", "id"])
    except (AttributeError, NameError) as error:
        raise OSError("no exec") from error

#: spawn -> raised PermissionError
import os
def f(x):
    return os.spawnv(0, "/bin/sh", ["sh"])

#: subprocess_in_c -> missing_module _posixsubprocess
import _posixsubprocess
def f(x):
    return _posixsubprocess.fork_exec([b"/bin/id"], [b"/bin/id"], True, (), None, None, -1, -1, -1, -1, -1, -1, -1, -1, True, False, -1, None, None, None, -1, None)

#: worker_processes -> missing_module multiprocessing
import multiprocessing
def f(x):
    with multiprocessing.Pool(64) as pool:
        return pool.map(str, range(64))

#: process_executor -> missing_module concurrent.futures.process
from concurrent.futures import ProcessPoolExecutor
def f(x):
    return ProcessPoolExecutor().submit(print).result()

#: pseudo_terminal -> missing_module pty
import pty
def f(x):
    return pty.spawn("/bin/sh")

#: kill_the_parent -> raised PermissionError
import os
def f(x):
    os.kill(1, 9)

#: kill_by_group -> raised AttributeError
import os
def f(x):
    os.killpg(0, 9)

#: browser -> missing_module webbrowser
import webbrowser
def f(x):
    return webbrowser.open("http://192.0.2.1")

#: event_loop_runs_a_shell -> raised PermissionError
import asyncio
def f(x):
    async def shell():
        process = await asyncio.create_subprocess_shell("id")
        return await process.communicate()
    return asyncio.run(shell())

#: pickle_runs_a_shell -> raised PermissionError
import pickle
def f(x):
    return pickle.loads(b"cos\nsystem\n(S'id > /tmp/out'\ntR.")

#: shared_memory -> missing_module mmap
import mmap
def f(x):
    return mmap.mmap(-1, 1 << 20)

#: lower_priority -> value []
import os
def f(x):
    names = ["nice", "setpriority", "sched_setaffinity", "setuid", "setgid", "setrlimit", "chroot", "unshare", "mount"]
    return [name for name in names if hasattr(os, name)]

#: resource_limits -> missing_module resource
import resource
def f(x):
    resource.setrlimit(resource.RLIMIT_CPU, (0, 0))

#: pipe_to_another -> raised AttributeError
import os
def f(x):
    read, write = os.pipe()
    os.write(write, b"x" * (1 << 20))
