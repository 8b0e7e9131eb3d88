#: missing_package -> missing_module pandas
import pandas as pd
def f(x):
    return pd.DataFrame(x)

#: missing_submodule -> missing_module json.nothing
import json.nothing
def f(x):
    return 1

#: import_of_itself -> missing_module program
import program
def f(x):
    return program.f(x)

#: import_of_main -> value 1
import __main__
def f(x):
    return 1 if x == 1 else __main__.f(1)

#: import_of_the_guest -> missing_module guest
import guest
def f(x):
    return guest._namespace

#: import_of_the_bridge -> missing_module wit_world
def f(x):
    import wit_world
    return wit_world.leave(0)

#: import_of_the_analysis -> missing_module analysis
import importlib
def f(x):
    return importlib.import_module("analysis")

#: module_bomb -> value 1000
import sys, types
def f(x):
    for i in range(1000):
        name = f"generated_{i}"
        sys.modules[name] = types.ModuleType(name)
        exec(f"import {name}")
    return sum(1 for name in sys.modules if name.startswith("generated_"))

#: modules_deleted -> value '4'
import sys
def f(x):
    for name in list(sys.modules):
        del sys.modules[name]
    return str(2 + 2)

#: modules_replaced -> value 4
import sys
sys.modules = {"builtins": None, "sys": None}
def f(x):
    return 2 + 2

#: import_hook_replaced -> raised ImportError
import builtins
def refuse(name, *arguments):
    raise ImportError("refused: " + name)
builtins.__import__ = refuse
def f(x):
    import math
    return math.pi

#: import_hook_loops -> timeout
import sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        while True:
            pass
sys.meta_path.insert(0, Finder())
import nothing_of_this_name
def f(x):
    return 1

#: path_restored -> missing_module evil
# The finder of paths is gone; a program that puts one back finds nothing mounted.
import sys, importlib.machinery
sys.path[:] = ["/tmp", "/usr/lib/python3", "."]
sys.path_hooks.append(importlib.machinery.FileFinder.path_hook((importlib.machinery.SourceFileLoader, [".py"])))
sys.meta_path.append(importlib.machinery.PathFinder)
import evil
def f(x):
    return evil

#: spec_from_file -> raised FileNotFoundError
import importlib.util
def f(x):
    spec = importlib.util.spec_from_file_location("passwd", "/etc/passwd.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

#: archive_on_the_path -> missing_module inside
import sys, zipimport
sys.path.insert(0, "/tmp/archive.zip")
sys.path_hooks.insert(0, zipimport.zipimporter)
import inside
def f(x):
    return inside

#: reload_a_patched_module -> raised FileNotFoundError
# Executing a module again would bring back what the guest took out of it.
import importlib, os
def f(x):
    try:
        importlib.reload(os)
    except (ImportError, OSError):
        pass
    return os.listdir("/")

#: reload_builtins -> raised PermissionError
import importlib, builtins
def f(x):
    del builtins.open
    try:
        importlib.reload(builtins)
        return builtins.open("/etc/passwd").read()
    except (AttributeError, FileNotFoundError) as error:
        raise PermissionError("not back") from error

#: frozen_modules -> raised ImportError
import _imp
def f(x):
    return _imp.get_frozen_object("site_of_the_host")

#: frozen_hello -> value None
import __hello__
def f(x):
    return __hello__.main()

#: builtin_by_spec -> raised ImportError
import importlib.machinery, _imp
def f(x):
    spec = importlib.machinery.ModuleSpec("ctypes", importlib.machinery.BuiltinImporter, origin="built-in")
    module = importlib.machinery.BuiltinImporter.create_module(spec)
    if module is None:
        raise ImportError("not a builtin")
    return module

#: import_lock_held -> value 3.0
import _imp
def f(x):
    for _ in range(10):
        _imp.acquire_lock()
    import math
    return math.sqrt(9)

#: relative_beyond_the_top -> raised ImportError
def f(x):
    from ... import secrets
    return secrets

#: circular_through_main -> raised ImportError
import sys
sys.modules["circle"] = sys.modules["__main__"]
def f(x):
    from circle import does_not_exist
    return does_not_exist

#: name_is_not_text -> raised TypeError
def f(x):
    return __import__(b"os")

#: star_import_of_liar -> raised TypeError
import sys, types
module = types.ModuleType("liar")
module.__all__ = [1, None, object()]
sys.modules["liar"] = module
def f(x):
    exec("from liar import *", {})

#: missing_module_forged -> missing_module numpy
def f(x):
    raise ModuleNotFoundError("No module named 'numpy'", name="numpy")

#: missing_module_of_hostile_name -> raised ModuleNotFoundError
class Name(str):
    def __str__(self):
        raise KeyError
def f(x):
    error = ModuleNotFoundError("x")
    error.name = 7
    raise error
