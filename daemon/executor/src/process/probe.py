"""Says where this interpreter keeps its files, as one JSON object; arguments: packages that programs may import.

Runs outside the sandbox, once, before anything untrusted: what it lists is all that jobs can read later. The shared libraries
are those that are mapped after everything that needs one has been imported.
"""

import importlib
import json
import os
import sys
import sysconfig

# Modules of the standard library that load libraries of the system.
LINKED = "_bz2 _ctypes _decimal _hashlib _lzma _sqlite3 _ssl _uuid _zstd binascii mmap pyexpat resource unicodedata zlib".split()
# Parts of a package that load libraries of their own.
PARTS = {"numpy": ["numpy.fft", "numpy.linalg", "numpy.random"]}


def imported(name):
    try:
        return importlib.import_module(name)
    except Exception:
        return None


def mapped():
    with open("/proc/self/maps") as maps:
        fields = [line.rstrip("\n").split(None, 5) for line in maps]
    return sorted({field[5] for field in fields if len(field) == 6 and field[5].startswith("/")})


def names(libraries):
    """The files, and the links beside them by which the loader finds them."""
    found = set(libraries)
    for folder in {os.path.dirname(path) for path in libraries}:
        with os.scandir(folder) as entries:
            found.update(entry.path for entry in entries if entry.is_symlink() and os.path.realpath(entry.path) in libraries)
    return found


def roots():
    """Links such as `/lib`, through which the loader looks for libraries."""
    links = [os.path.join("/", name) for name in os.listdir("/")]
    return {path for path in links if os.path.islink(path) and os.path.isdir(path)}


def below(path, folder):
    return path.startswith(folder + os.sep)


missing = [name for name in ("ctypes", "resource", "select") if imported(name) is None]
for name in LINKED:
    imported(name)
packages = {}
for name in sys.argv[1:]:
    package = imported(name)
    if package is not None:
        packages[name] = str(getattr(package, "__version__", "?"))
        for part in PARTS.get(name, []):
            imported(part)

standard = sorted({os.path.realpath(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib")})
sites = sorted({os.path.realpath(sysconfig.get_path(name)) for name in ("purelib", "platlib")})
# Debian's own packages.
sites += [path for path in map(os.path.realpath, sys.path) if path.endswith("dist-packages") and path not in sites]
readable = [
    os.path.join(folder, name)
    for folder in standard
    if os.path.isdir(folder)
    for name in sorted(os.listdir(folder))
    if name not in ("site-packages", "dist-packages", "test", "sitecustomize.py")
]
used = set()
for module in list(sys.modules.values()):
    path = os.path.realpath(getattr(module, "__file__", None) or "/")
    for site in sites:
        if packages and below(path, site):
            top = path[len(site) + 1 :].split(os.sep)[0]
            used.update({os.path.join(site, top), os.path.join(site, top + ".libs")})
version = getattr(sys.implementation, "name", "?") == "cpython" and sys.version_info >= (3, 9)
# Not the interpreter itself, which nobody starts again.
libraries = {path for path in mapped() if os.path.isfile(path) and ".so" in os.path.basename(path)}
files = {*readable, *used, *names(libraries), "/etc/ld.so.cache"}
print(
    json.dumps(
        {
            "executable": os.path.realpath(sys.executable),
            "version": sys.version.split()[0],
            "supported": bool(version),
            "missing": missing,
            "packages": packages,
            "files": sorted(path for path in files if os.path.exists(path)),
            "folders": sorted({*roots(), *filter(os.path.isdir, sys.path)}),
            "sites": sorted({os.path.dirname(path) for path in used}),
        }
    )
)
