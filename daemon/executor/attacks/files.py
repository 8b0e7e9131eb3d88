#: open_passwd -> raised PermissionError
def f(x):
    return open("/etc/passwd").read()

#: read_past_the_patch -> raised FileNotFoundError
# The unpatched C function: nothing is mounted, so there is nothing to find either.
import _io
def f(x):
    return _io.open("/etc/passwd", "rb").read()

#: fileio_writes -> raised FileNotFoundError
import io
def f(x):
    with io.FileIO("/tmp/escape", "w") as file:
        return file.write(b"out")

#: open_code_hook -> raised FileNotFoundError
import io
def f(x):
    return io.open_code("/proc/self/maps").read()

#: directory_by_posix -> value [44, 44, 44, 44]
# errno 44 is ENOENT here.
import posix
def f(x):
    seen = []
    for path in ("/", ".", "..", "/proc/self/fd"):
        try:
            seen.append(posix.listdir(path))
        except OSError as error:
            seen.append(error.errno)
    return seen

#: inherited_descriptors -> value []
# Files that the host process has open must not be descriptors of the guest.
import posix
def f(x):
    found = []
    for descriptor in range(3, 1024):
        try:
            posix.fstat(descriptor)
            found.append(descriptor)
        except OSError:
            pass
    return found

#: descriptor_zero_is_empty -> value b''
import posix
def f(x):
    return posix.read(0, 100)

#: open_descriptor_one -> value ''
#: call f(1)
#: call f(2)
# Below Python's own files nothing reaches the report.
import posix, io
def f(x):
    posix.write(1, b"raw bytes" * 100)
    posix.write(2, b"raw bytes" * 100)
    return ""

#: opener_returns_a_foreign_descriptor -> raised OSError
import _io
def f(x):
    return _io.open("anything", "rb", opener=lambda path, flags: 7).read()

#: traceback_quotes_the_file -> value False
# A code object may name any file as its source; the traceback module would print the line.
import traceback
def f(x):
    try:
        exec(compile("1 / 0", "/etc/passwd", "exec"))
    except ZeroDivisionError:
        return "root" in traceback.format_exc()

#: linecache_reads_source -> value []
import linecache
def f(x):
    return linecache.getlines("/etc/passwd")

#: source_loader_reads_data -> raised FileNotFoundError
import importlib.machinery
def f(x):
    return importlib.machinery.SourceFileLoader("x", "/etc/passwd").get_data("/etc/passwd")

#: loader_writes_cache -> raised ModuleNotFoundError
import importlib.machinery
def f(x):
    loader = importlib.machinery.SourceFileLoader("x", "/tmp/x.py")
    try:
        loader.set_data("/tmp/x.py", b"out")
        loader.path_stats("/tmp/x.py")
    except OSError:
        raise ModuleNotFoundError("denied")
    return "written"

#: package_data_climbs -> raised FileNotFoundError
import pkgutil, json
def f(x):
    return pkgutil.get_data("json", "../../etc/passwd")

#: path_home -> raised RuntimeError
import pathlib
def f(x):
    return pathlib.Path.home()

#: path_walk -> value []
import pathlib
def f(x):
    return list(pathlib.Path("/").rglob("*"))

#: temporary_file -> raised FileNotFoundError
import tempfile
def f(x):
    with tempfile.TemporaryFile() as file:
        return file.name

#: temporary_directory -> raised FileNotFoundError
import tempfile
def f(x):
    return tempfile.mkdtemp()

#: copy_tree -> raised PermissionError
import shutil
def f(x):
    return shutil.copyfile("/etc/passwd", "/tmp/copy")

#: gzip_opens -> raised PermissionError
import gzip
def f(x):
    return gzip.open("/etc/passwd").read()

#: zip_importer -> raised ZipImportError
import zipimport
def f(x):
    return zipimport.zipimporter("/usr/lib/python3/dist.zip").get_data("a")

#: log_file -> raised PermissionError
import logging
def f(x):
    logging.getLogger().addHandler(logging.FileHandler("/tmp/log"))
    logging.warning("out")

#: link_out -> value ['PermissionError', 'PermissionError', 'PermissionError', 'PermissionError']
import os
def f(x):
    seen = []
    for action in (os.symlink, os.link, os.rename, os.replace):
        try:
            seen.append(action("/etc/passwd", "here"))
        except OSError as error:
            seen.append(type(error).__name__)
    return seen

#: database_file -> missing_module sqlite3
import sqlite3
def f(x):
    return sqlite3.connect("/tmp/out.db")

#: dup_and_truncate -> raised OSError
import posix
def f(x):
    descriptor = posix.dup(1)
    posix.ftruncate(descriptor, 0)
    return posix.pread(descriptor, 10, 0)
