# SPDX-License-Identifier: GPL-2.0
"""/dev/memalloc from Python, by libmemalloc.

An open file is a context manager, and so is each handle: the end of the block
closes the file, or frees the handle.

>>> import memalloc
>>> with memalloc.open() as file:
...     with file.pages(order=1) as memory:
...         memory.write(b"text", offset=3)
...         with memory.map() as view:
...             bytes(view[:8])
b'\\x00\\x00\\x00text\\x00'

Slab caches and mempools make objects and elements:

>>> with memalloc.open() as file, file.cache("inode", 600) as cache:
...     with cache.objects(100) as objects:
...         objects.fill(7, memalloc.Pattern.COUNT)
...         objects.verify(7, memalloc.Pattern.COUNT) is None
...         cache.stats().active
True
100

An error is an OSError with the sentences of the library:

>>> with memalloc.open() as file:
...     file.percpu(1 << 20)
Traceback (most recent call last):
memalloc.Error: [Errno 22] the maximum for a per-CPU area is 32 KiB or a page, \
whichever is larger, on each CPU. Use several areas, or a vmalloc area.

Threads may share files and handles. The interpreter runs other threads while a
command waits. The environment variable LIBMEMALLOC is the path of another
library than the installed libmemalloc.so.1.
"""

import ctypes
import enum
import errno
import mmap
import os
import platform

__all__ = [
    "Allocation", "Backend", "Cache", "CacheFlags", "Ctor", "Error", "File", "Gfp",
    "Handle", "Kind", "Mempool", "Pattern", "Section", "Zone", "open",
]

DEVICE_PATH = "/dev/memalloc"
MAX_ORDER = 10
NR_ORDERS = MAX_ORDER + 1
NAME_SIZE = 24
SHOWN_NAME_SIZE = 32
RELEASE_SIZE = 32

_TEXT_MAX = 512


class Kind(enum.IntEnum):
    """Kind of a handle."""

    PAGES = 1
    CACHE = 2
    OBJECT = 3
    KMALLOC = 4
    MEMPOOL = 5
    ELEMENT = 6
    PERCPU = 7
    AREA = 8


class Zone(enum.IntEnum):
    """Zone of a page."""

    DMA = 0
    DMA32 = 1
    NORMAL = 2


class Section(enum.IntEnum):
    """Section of the statistics."""

    BORROWING = 1
    ZONE = 2
    FILE = 3
    REPORTS = 4
    CACHE = 5
    CLASS = 6
    MEMPOOL = 7
    PERCPU = 8
    AREAS = 9


class Backend(enum.IntEnum):
    """Source of the elements of a mempool."""

    OTHER = 0
    PAGES = 1
    KMALLOC = 2
    CACHE = 3


class Pattern(enum.IntEnum):
    """What fill() writes and verify() expects."""

    REPEAT = 0
    COUNT = 1


class Ctor(enum.IntEnum):
    """Constructor of a cache."""

    NONE = 0
    ZERO = 1
    COUNT = 2


class Gfp(enum.IntFlag):
    """One mode, and any compatible modifiers."""

    KERNEL = 0x0
    ATOMIC = 0x1
    NOWAIT = 0x2
    NOIO = 0x3
    NOFS = 0x4
    USER = 0x5
    HIGHUSER = 0x6
    ZERO = 0x10
    NOWARN = 0x20
    NORETRY = 0x40
    RETRY_MAYFAIL = 0x80
    NOFAIL = 0x100
    COLD = 0x200
    DMA = 0x400
    DMA32 = 0x800
    HIGHMEM = 0x1000
    HIGH = 0x2000
    THISNODE = 0x4000


class CacheFlags(enum.IntFlag):
    """Flags of a slab cache."""

    HWCACHE_ALIGN = 0x1
    DMA = 0x2
    DMA32 = 0x4
    TYPESAFE_BY_RCU = 0x8
    RECLAIM_ACCOUNT = 0x10
    NO_REAP = 0x20
    RED_ZONE = 0x40
    POISON = 0x80
    STORE_USER = 0x100
    CHECKS = 0x200
    QUARANTINE = 0x400
    GUARD = 0x800


# --- structures of <linux/memalloc.h> -----------------------------------------

_u32, _s32, _u64 = ctypes.c_uint32, ctypes.c_int32, ctypes.c_uint64


class _Record(ctypes.Structure):
    """A structure that prints its fields."""

    def __repr__(self):
        fields = (f"{name}={_value(getattr(self, name))!r}" for name, *_ in self._fields_)
        return f"{type(self).__name__}({', '.join(fields)})"


class _Request(_Record):
    """A structure that begins with its size."""

    def __init__(self, **fields):
        super().__init__(size=ctypes.sizeof(type(self)), **fields)


def _value(field):
    return list(field) if isinstance(field, ctypes.Array) else field


def _define(name, fields, base=_Record):
    """Define a structure; a field without a type is a __u64."""
    types = {"u32": _u32, "s32": _s32, "u64": _u64, "name": ctypes.c_char * NAME_SIZE,
             "shown": ctypes.c_char * SHOWN_NAME_SIZE, "orders": _u64 * NR_ORDERS,
             "release": ctypes.c_char * RELEASE_SIZE}
    members = []
    for word in fields.split():
        field, _, kind = word.partition(":")
        members.append((field, types[kind or "u64"]))
    return type(name, (base,), {"_fields_": members, "__doc__": f"struct memalloc_{name}"})


_Alloc = _define("alloc", "size:u32 kind:u32 flags:u32 gfp:u32 node:s32 order:u32 bytes "
                 "parent out_handle out_bytes out_map_offset count:u32 reserved:u32 align",
                 _Request)
_Io = _define("io", "size:u32 flags:u32 handle offset length data out_done", _Request)
_Info = _define("info", "size:u32 flags:u32 handle offset out_kind:u32 out_order:u32 "
                "out_node:s32 out_zone:u32 out_bytes out_map_offset out_mappings out_phys "
                "out_held out_parent out_children out_count:u32 out_reserved:u32 "
                "out_name:shown", _Request)
_Resize = _define("resize", "size:u32 flags:u32 handle bytes gfp:u32 reserved:u32 out_bytes "
                  "out_held min_nr:u32 reserved2:u32", _Request)
_CacheCreate = _define("cache_create", "size:u32 flags:u32 object_size:u32 align:u32 "
                       "useroffset:u32 usersize:u32 ctor:u32 reserved:u32 name:name "
                       "out_handle", _Request)
_MempoolCreate = _define("mempool_create", "size:u32 flags:u32 backend:u32 order:u32 bytes "
                         "parent min_nr:u32 node:s32 gfp:u32 reserved:u32 out_handle "
                         "name:name", _Request)
_Version = _define("version", "size:u32 flags:u32 out_abi:u32 out_commands:u32 "
                   "out_release:release", _Request)

_SECTIONS = {
    Section.BORROWING: _define("stats_borrowing", "page_size borrowed cap reserve peak "
                               "borrowed_total returned_total free quarantined "
                               "metadata_bytes refused_cap refused_host lost_total"),
    Section.ZONE: _define("stats_zone", "node:s32 zone:u32 pages free free_blocks:orders "
                          "pcp_blocks:orders allocs:orders frees:orders failures:orders "
                          "watermark_min watermark_low watermark_high"),
    Section.FILE: _define("stats_file", "handles handles_limit bytes bytes_limit "
                          "device_bytes device_bytes_limit described_bytes "
                          "device_described_bytes user_handles user_handles_limit "
                          "user_bytes user_bytes_limit"),
    Section.REPORTS: _define("stats_reports", "double_free foreign_free wrong_free "
                             "lost_reference corruption use_after_free overflow"),
    Section.CACHE: _define("stats_cache", "name:shown flags object_size stride align "
                           "useroffset usersize slab_objects slab_pages sheaf_objects "
                           "active objects active_slabs slabs pages hits misses"),
    Section.CLASS: _define("stats_class", "name:shown dma object_size active objects pages "
                           "samples sampled_bytes waste_per_mille"),
    Section.MEMPOOL: _define("stats_mempool", "name:shown backend element_bytes min_nr "
                             "elements waiting waits reserve_hits failures"),
    Section.PERCPU: _define("stats_percpu", "chunks chunk_bytes possible_cpus total_bytes "
                            "metadata_bytes used cached free_bytes largest_free hits misses "
                            "failures chunks_borrowed chunks_returned chunks_refused"),
    Section.AREAS: _define("stats_areas", "areas area_pages maps failures cached_areas "
                           "cached_pages cached_pages_limit cpu_hits node_hits misses "
                           "evicted not_kept_as_held"),
}


def _command_number(number):
    """As the macro _IO() of the architecture."""
    odd = platform.machine().startswith(("alpha", "mips", "ppc", "sparc"))
    return (1 << 29 if odd else 0) | 0xBB << 8 | number


_ALLOC = _command_number(0x00)
_FREE = _command_number(0x01)
_READ = _command_number(0x02)
_WRITE = _command_number(0x03)
_FILL = _command_number(0x04)
_VERIFY = _command_number(0x05)
_INFO = _command_number(0x06)
_STATS = _command_number(0x07)
_VALIDATE = _command_number(0x08)
_SHRINK = _command_number(0x09)
_INJECT = _command_number(0x0B)
_RESIZE = _command_number(0x0C)
_CACHE_CREATE = _command_number(0x0D)
_MEMPOOL_CREATE = _command_number(0x0E)
_VERSION = _command_number(0x0F)

_ALLOC_PREALLOCATED = 0x1
_INFO_PHYS = 0x1


# --- the library --------------------------------------------------------------


def _load():
    """Load the library, and declare the functions that are used here."""
    library = ctypes.CDLL(os.environ.get("LIBMEMALLOC", "libmemalloc.so.1"))
    pointer, text, size, fd = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int
    results = ctypes.POINTER(_u64)
    arguments = {
        "open": [text, ctypes.c_int],
        "close": [fd],
        "command": [fd, ctypes.c_uint, pointer],
        "free": [fd, _u64],
        "read": [fd, _u64, _u64, pointer, size],
        "write": [fd, _u64, _u64, pointer, size],
        "fill": [fd, _u64, _u64, _u64, _u32, _u64],
        "verify": [fd, _u64, _u64, _u64, _u32, _u64, results],
        "stats": [fd, _u32, _u32, pointer, size, pointer],
        "stats_of": [fd, _u32, _u64, pointer, size, pointer],
        "stats_count": [fd, _u32, ctypes.POINTER(_u32)],
        "validate": [fd, results, results],
        "shrink": [fd, _u64, results],
        "shrink_cache": [fd, _u64, results],
        "inject": [fd, _u64, results],
        "explain": [fd, ctypes.c_uint, pointer, ctypes.c_int, pointer, size],
        "explain_open": [text, ctypes.c_int, pointer, size],
    }
    for name, types in arguments.items():
        getattr(library, f"memalloc_{name}").argtypes = types
    return library


_library = _load()


def _repeated(name, *arguments):
    """Call a function of the library until no signal interrupts it.

    The interpreter runs its handler in between, which ends the loop if it raises
    an exception, as that of Ctrl-C does.
    """
    while True:
        result = getattr(_library, f"memalloc_{name}")(*arguments)
        if result != -errno.EINTR:
            return result


class Error(OSError):
    """An error of the device.

    errno is the number of the error, strerror the sentences of the library,
    complaint the first of them, and advice the others.
    """

    def __init__(self, number, lines):
        self.complaint, *self.advice = lines.split("\n")
        text = ". ".join([self.complaint, " ".join(self.advice)]) if self.advice else lines
        super().__init__(number, text)


def _explained(number, explain, *arguments):
    """Make an exception of a negative result."""
    buffer = ctypes.create_string_buffer(_TEXT_MAX)
    explain(*arguments, number, buffer, len(buffer))
    return Error(-number, buffer.value.decode())


def _encode(name):
    encoded = name.encode()
    if len(encoded) >= NAME_SIZE:
        raise ValueError(f"the name {name!r} has more than {NAME_SIZE - 1} characters")
    return encoded


def open(path=DEVICE_PATH, flags=os.O_RDWR):  # pylint: disable=redefined-builtin
    """Open the device. With os.O_RDONLY, only queries are permitted."""
    return File(path, flags)


class File:
    """An open file of the device, which owns its handles."""

    def __init__(self, path=DEVICE_PATH, flags=os.O_RDWR):
        self._fd = -1
        fd = _library.memalloc_open(os.fsencode(path), flags)
        if fd < 0:
            raise _explained(fd, _library.memalloc_explain_open, os.fsencode(path))
        self._fd = fd

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __del__(self):
        self.close()

    def close(self):
        """Close the file, which frees its handles."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            _library.memalloc_close(fd)

    def fileno(self):
        """Return the descriptor, as other files do."""
        if self._fd < 0:
            raise ValueError("the file is closed")
        return self._fd

    def check(self, result, command, request=None):
        """Raise the exception for a result of the library that is negative."""
        if result < 0:
            argument = ctypes.byref(request) if request is not None else None
            raise _explained(result, _library.memalloc_explain, self._fd, command, argument)

    def command(self, command, request):
        """Execute a command, and return its structure."""
        self.call("command", command, command, ctypes.byref(request), request=request)
        return request

    def call(self, name, command, *arguments, request=None):
        """Call a function of the library, which executes the command."""
        self.check(_repeated(name, self.fileno(), *arguments), command, request)

    def _allocate(self, **fields):
        fields.setdefault("node", -1)
        return Allocation(self, self.command(_ALLOC, _Alloc(**fields)).out_handle)

    def pages(self, order=0, gfp=Gfp.USER, node=-1):
        """Allocate 2^order contiguous pages."""
        return self._allocate(kind=Kind.PAGES, order=order, gfp=gfp, node=node)

    def kmalloc(self, size, gfp=Gfp.USER, node=-1):
        """Allocate kmalloc memory."""
        return self._allocate(kind=Kind.KMALLOC, bytes=size, gfp=gfp, node=node)

    def area(self, size, gfp=Gfp.USER, node=-1):
        """Allocate a vmalloc area."""
        return self._allocate(kind=Kind.AREA, bytes=size, gfp=gfp, node=node)

    def percpu(self, size, align=0, gfp=Gfp.USER):
        """Allocate a per-CPU area: size bytes on each CPU."""
        return self._allocate(kind=Kind.PERCPU, bytes=size, align=align, gfp=gfp)

    def cache(self, name, object_size, *, flags=0, align=0, ctor=Ctor.NONE, user=None):
        """Create a slab cache.

        user is the pair of offset and size of the user-copy region; the default
        is the whole object.
        """
        offset, size = user if user is not None else (0, object_size)
        request = _CacheCreate(name=_encode(name), object_size=object_size, flags=flags,
                               align=align, ctor=ctor, useroffset=offset, usersize=size)
        return Cache(self, self.command(_CACHE_CREATE, request).out_handle)

    def mempool(self, name, min_nr, *, order=None, size=None, cache=None, gfp=0, node=-1):
        """Create a mempool of pages (order), kmalloc memory (size) or objects (cache)."""
        if sum(choice is not None for choice in (order, size, cache)) != 1:
            raise ValueError("give one of order, size and cache")
        request = _MempoolCreate(name=_encode(name), min_nr=min_nr, gfp=gfp, node=node)
        if order is not None:
            request.backend, request.order = Backend.PAGES, order
        elif size is not None:
            request.backend, request.bytes = Backend.KMALLOC, size
        else:
            request.backend, request.parent = Backend.CACHE, cache.handle
        return Mempool(self, self.command(_MEMPOOL_CREATE, request).out_handle)

    def stats(self, section, index=0):
        """Read one entry of a section of the statistics."""
        entry = _SECTIONS[section]()
        self.call("stats", _STATS, section, index, ctypes.byref(entry),
                  ctypes.sizeof(entry), None)
        return entry

    def stats_of(self, section, handle):
        """Read the entry of a cache or of a mempool."""
        entry = _SECTIONS[section]()
        self.call("stats_of", _STATS, section, handle, ctypes.byref(entry),
                  ctypes.sizeof(entry), None)
        return entry

    def all_stats(self, section):
        """Read all entries of a section."""
        count = _u32()
        self.call("stats_count", _STATS, section, ctypes.byref(count))
        entries = []
        try:
            for index in range(count.value):
                entries.append(self.stats(section, index))
        except Error as error:
            if error.errno != errno.ENOENT:  # there are fewer now
                raise
        return entries

    def validate(self):
        """Check all structures of the allocator. Return the number of structures."""
        checked = _u64()
        self.call("validate", _VALIDATE, ctypes.byref(checked), None)
        return checked.value

    def shrink(self, pages=0):
        """Return free pages to the host; zero stands for all. Return their number."""
        returned = _u64()
        self.call("shrink", _SHRINK, pages, ctypes.byref(returned))
        return returned.value

    def inject(self, nth):
        """Make the nth next allocation of this file fail; zero cancels that.

        Return the number of allocations that were left until the previous failure.
        """
        left = _u64()
        self.call("inject", _INJECT, nth, ctypes.byref(left))
        return left.value

    def version(self):
        """Return the version of the interface and the release of the module."""
        version = self.command(_VERSION, _Version())
        return version.out_abi, version.out_release.decode()


class Handle:
    """A handle, which is freed at the end of its block."""

    def __init__(self, file, handle):
        self.file = file
        self.handle = handle

    def __repr__(self):
        return f"<memalloc.{type(self).__name__} {self.handle:#x}>"

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        try:
            self.free()
        except Error:
            if kind is None:  # else the exception of the block matters more
                raise

    def free(self):
        """Free the handle; does nothing if free() has freed it."""
        handle, self.handle = self.handle, 0
        if not handle:
            return
        result = _repeated("free", self.file.fileno(), handle)
        if result == -errno.EBUSY:
            self.handle = handle
        self.file.check(result, _FREE)

    def info(self, offset=0, phys=False):
        """Query the allocation, and the page at the offset."""
        return self.file.command(_INFO, _Info(handle=self.handle, offset=offset,
                                              flags=_INFO_PHYS if phys else 0))

    @property
    def kind(self):
        """Kind of the handle."""
        return Kind(self.info().out_kind)

    @property
    def size(self):
        """Usable size in bytes; zero if the kind has no bytes."""
        return self.info().out_bytes


class Allocation(Handle):
    """A handle that has bytes."""

    def read(self, length=None, offset=0):
        """Read bytes, by default all from the offset on."""
        if length is None:
            length = self._rest(offset)
        buffer = ctypes.create_string_buffer(length)
        self._access("read", _READ, offset, length, buffer, length)
        return buffer.raw

    def write(self, data, offset=0):
        """Write an object with a buffer."""
        data = bytes(data)
        self._access("write", _WRITE, offset, len(data), data, len(data))

    def fill(self, value=0, pattern=Pattern.REPEAT, *, offset=0, length=None):
        """Have the kernel fill the allocation, or a part of it."""
        length = self._rest(offset, length)
        self._access("fill", _FILL, offset, length, length, pattern, value)

    def verify(self, value=0, pattern=Pattern.REPEAT, *, offset=0, length=None):
        """Have the kernel compare the allocation, or a part of it, with a pattern.

        Return the offset of the first difference, or None.
        """
        length = self._rest(offset, length)
        same = _u64()
        try:
            self._access("verify", _VERIFY, offset, length, length, pattern, value,
                         ctypes.byref(same))
        except Error as error:
            if error.errno != errno.EILSEQ:
                raise
            return offset + same.value
        return None

    def resize(self, size, gfp=0):
        """Change the size of kmalloc memory."""
        self.file.command(_RESIZE, _Resize(handle=self.handle, bytes=size, gfp=gfp))

    def map(self, offset=0, length=None, writable=True):
        """Map pages or an area. Return a context manager with a memoryview as its value."""
        return Mapping(self, offset, length, writable)

    def _rest(self, offset, length=None):
        return max(self.size - offset, 0) if length is None else length

    def _access(self, name, command, offset, length, *arguments):
        """Call a function that accesses a range. An explanation needs the range."""
        request = _Io(handle=self.handle, offset=offset, length=length)
        self.file.call(name, command, self.handle, offset, *arguments, request=request)


class Mapping:
    """A mapped allocation; the mapping keeps the memory after a free."""

    def __init__(self, allocation, offset, length, writable):
        no_command = _library.memalloc_explain, -1, 0, None
        info = allocation.info()
        if not info.out_map_offset:
            raise _explained(-errno.ENODEV, *no_command)
        length = info.out_bytes - offset if length is None else length
        if not 0 <= offset <= offset + length <= info.out_bytes:
            allocation.file.check(-errno.EOVERFLOW, _READ, _Io(
                handle=allocation.handle, offset=offset, length=length))
        prot = mmap.PROT_READ | (mmap.PROT_WRITE if writable else 0)
        try:
            self._memory = mmap.mmap(allocation.file.fileno(), length, mmap.MAP_SHARED, prot,
                                     offset=info.out_map_offset + offset)
        except OSError as error:
            allocation.info()  # a handle that is gone is the reason
            raise _explained(-error.errno, *no_command) from None
        self._view = memoryview(self._memory)
        self._check_owner(allocation)

    def _check_owner(self, allocation):
        """The offset was that of the handle if the handle is still valid."""
        try:
            allocation.info()
        except Error:
            self.close()
            raise

    def __enter__(self):
        return self._view

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Remove the mapping. A BufferError tells that a slice of it is in use."""
        self._view.release()
        self._memory.close()


class Cache(Handle):
    """A slab cache."""

    def objects(self, count=1, gfp=Gfp.USER, node=-1):
        """Allocate objects, which are one allocation."""
        request = _Alloc(kind=Kind.OBJECT, parent=self.handle, count=count, gfp=gfp, node=node)
        return Allocation(self.file, self.file.command(_ALLOC, request).out_handle)

    def stats(self):
        """Read the statistics of the cache."""
        return self.file.stats_of(Section.CACHE, self.handle)

    def shrink(self):
        """Return unused slabs to the page allocator. Return the number of pages."""
        returned = _u64()
        self.file.call("shrink_cache", _SHRINK, self.handle, ctypes.byref(returned))
        return returned.value


class Mempool(Handle):
    """A mempool."""

    def element(self, preallocated=False, gfp=Gfp.USER):
        """Allocate an element, if preallocated from the reserve only."""
        request = _Alloc(kind=Kind.ELEMENT, parent=self.handle, gfp=gfp, node=-1,
                         flags=_ALLOC_PREALLOCATED if preallocated else 0)
        return Allocation(self.file, self.file.command(_ALLOC, request).out_handle)

    def stats(self):
        """Read the statistics of the mempool."""
        return self.file.stats_of(Section.MEMPOOL, self.handle)

    def resize(self, min_nr, gfp=0):
        """Change the number of elements that the mempool guarantees."""
        self.file.command(_RESIZE, _Resize(handle=self.handle, min_nr=min_nr, gfp=gfp))
