#: variables -> value [{}, {}, {}]
import os, posix
def f(x):
    return [dict(os.environ), dict(os.environb), dict(posix.environ)]

#: variables_read_again -> value {}
import os
def f(x):
    os.reload_environ()
    return dict(os.environ)

#: variable_set_for_others -> value None
#: call f(1)
#: call g()
import os, posix
def f(x):
    posix.putenv(b"PATH", b"/evil")
    os.environ["HOME"] = "/evil"
def g():
    del os.environ["HOME"]
    return os.environ.get("HOME")

#: arguments -> value [[''], [], '', None]
import sys
def f(x):
    return [sys.argv, sys.path, sys.executable or "", getattr(sys, "_framework", None) or None]

#: build_paths_in_prefix -> value []
# Where the guest was built is nobody's business; what names a path may only name the guest's own root.
import sys
def f(x):
    names = ["prefix", "exec_prefix", "base_prefix", "base_exec_prefix", "_base_executable", "orig_argv", "_stdlib_dir"]
    texts = [str(getattr(sys, name, "")) for name in names]
    return [text for text in texts if "/home" in text or "/tmp" in text or "cache" in text or "build" in text]

#: build_paths_in_code -> value []
import sys
def f(x):
    roots = set()
    for module in list(sys.modules.values()):
        path = getattr(module, "__file__", None) or ""
        for word in ("/home", "/tmp", "/root", "/build", "cache", "venv", "work"):
            if word in path.rpartition("/")[0]:
                roots.add(word)
    return sorted(roots)

#: build_paths_in_configuration -> value []
# The published runtime names the machine that built it; ours must not be added to it.
import sysconfig
def f(x):
    values = [str(value).replace("/home/runner/work/", "") for value in sysconfig.get_config_vars().values()]
    return [value for value in values if any(word in value for word in ("/home/", "/root/", "/work/"))]

#: host_name -> raised PermissionError
import socket
def f(x):
    return socket.gethostname()

#: host_name_by_uname -> value ['(none)', '(none)']
import os, platform
def f(x):
    return [os.uname().nodename, platform.uname().node]

#: kernel_release -> value ['wasi', '0.0.0', '0.0.0', 'wasm32']
import os
def f(x):
    uname = os.uname()
    return [uname.sysname, uname.release, uname.version, uname.machine]

#: user_name -> raised OSError
import getpass
def f(x):
    return getpass.getuser()

#: user_numbers -> value []
import os, posix
def f(x):
    names = ["getuid", "getgid", "getlogin", "getppid", "getpgid", "getgroups", "sched_getaffinity", "getloadavg"]
    return [name for name in names if hasattr(os, name) or hasattr(posix, name)]

#: processors -> value [1, 1]
import os
def f(x):
    return [os.cpu_count(), os.process_cpu_count()]

#: process_number -> value True
# Not the host's number: the guest knows one of its own.
import os
def f(x):
    return os.getpid() in (1, 42)

#: network_card -> value True
# The address is drawn (its multicast bit is set), not read from a card.
import uuid
def f(x):
    return uuid.getnode() >> 40 & 1 == 1

#: system_limits -> value []
import os
def f(x):
    leaks = []
    for name in os.sysconf_names:
        if "NPROC" in name or "PHYS" in name or "AVPHYS" in name:
            try:
                if os.sysconf(name) > 1:
                    leaks.append(name)
            except (OSError, ValueError):
                pass
    return leaks

#: real_clock -> value True
import time, datetime
def f(x):
    return 1_700_000_000 < time.time() < 1_700_000_001 and datetime.datetime.now().year == 2023

#: processor_clock -> value True
# Every clock is the virtual one: none measures the machine.
import time
def f(x):
    clocks = [time.monotonic, time.perf_counter, time.process_time]
    return all(0 <= clock() < 1 for clock in clocks)

#: zone_of_the_host -> value [('UTC', 'UTC'), 0]
import time
def f(x):
    return [time.tzname, time.timezone]

#: zone_database -> raised ZoneInfoNotFoundError
import zoneinfo
def f(x):
    return zoneinfo.ZoneInfo("Europe/Paris")

#: locale_of_the_host -> value [(None, None), 'C']
import locale
def f(x):
    try:
        language = locale.getlocale()
    except ValueError:
        language = None
    return [language if language[0] is None else (None, None), locale.setlocale(locale.LC_ALL, "")[:1]]

#: terminal -> value [(80, 24), False, False]
import shutil, sys, os
def f(x):
    return [tuple(shutil.get_terminal_size()), sys.stdout.isatty(), os.isatty(0)]

#: password_prompt -> raised EOFError
import getpass
def f(x):
    return getpass.getpass("Password: ")

#: arguments_for_a_parser -> value Namespace()
import argparse
def f(x):
    return argparse.ArgumentParser().parse_args()
