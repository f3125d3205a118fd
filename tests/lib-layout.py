# SPDX-License-Identifier: GPL-2.0
"""Print a C program that compiles if the module for Python agrees with the header.

    lib-layout.py HEADER
"""

import ctypes
import re
import sys

import memalloc

COMMANDS = ("ALLOC", "FREE", "READ", "WRITE", "FILL", "VERIFY", "INFO", "STATS", "VALIDATE",
            "SHRINK", "INJECT", "RESIZE", "CACHE_CREATE", "MEMPOOL_CREATE", "VERSION")
ENUMS = {"KIND": memalloc.Kind, "ZONE": memalloc.Zone, "SECTION": memalloc.Section,
         "MEMPOOL": memalloc.Backend, "PATTERN": memalloc.Pattern, "CTOR": memalloc.Ctor}
FLAGS = {"GFP": memalloc.Gfp, "CACHE": memalloc.CacheFlags}
MODES = 15  # of which Gfp has no member for the mask
CONSTANTS = ("MAX_ORDER", "NR_ORDERS", "NAME_SIZE", "SHOWN_NAME_SIZE", "RELEASE_SIZE")


def require(condition, text):
    """Print an assertion."""
    print(f'_Static_assert({condition}, "{text}");')


def require_record(record):
    """A structure has the same fields, and no others."""
    name = f"struct memalloc_{record.__name__}"
    require(f"sizeof({name}) == {ctypes.sizeof(record)}", name)
    for field, *_ in record._fields_:  # pylint: disable=protected-access
        member = getattr(record, field)
        require(f"offsetof({name}, {field}) == {member.offset}", f"{name} {field}")
        require(f"sizeof((({name} *)0)->{field}) == {member.size}", f"{name} {field}")


def records():
    """All structures of the module."""
    for value in [*vars(memalloc).values(), *memalloc._SECTIONS.values()]:
        if isinstance(value, type) and issubclass(value, ctypes.Structure) and \
                hasattr(value, "_fields_"):
            yield value


def main():
    """Print all assertions."""
    with open(sys.argv[1], encoding="ascii") as file:
        header = file.read()
    print("#include <stddef.h>\n#include <linux/memalloc.h>")
    for record in records():
        require_record(record)
    for prefix, kind in {**ENUMS, **FLAGS}.items():
        for name, value in kind.__members__.items():
            require(f"MEMALLOC_{prefix}_{name} == {int(value)}", name)
    for prefix, kind in ENUMS.items():
        names = re.findall(rf"^\tMEMALLOC_{prefix}_(\w+) = \d", header, re.M)
        require(int(names == list(kind.__members__)), f"{prefix} has {names}")
    for prefix, kind in FLAGS.items():
        mask = MODES if kind is memalloc.Gfp else 0
        for value in kind.__members__.values():
            mask |= int(value)
        require(f"MEMALLOC_{prefix}_ALL == {mask}", f"all of {prefix}")
    for name in COMMANDS:
        require(f"MEMALLOC_{name} == {getattr(memalloc, '_' + name)}", name)
    for name in CONSTANTS:
        require(f"MEMALLOC_{name} == {getattr(memalloc, name)}", name)


main()
