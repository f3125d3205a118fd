# SPDX-License-Identifier: GPL-2.0
#
# memalloc: main Makefile.  "make help" lists the targets.
#
# The kernel's build system reads Kbuild, not this file. All output goes to
# build/: build/host/ for the kernel of this machine, build/user/ for programs,
# build/KERNEL/ for the kernels of tests/vm.

SHELL := /bin/bash
MAKEFLAGS += --no-print-directory

KERNEL ?= uml
PREFIX ?= /usr/local

top := $(patsubst %/,%,$(dir $(abspath $(lastword $(MAKEFILE_LIST)))))
host := $(top)/build/host
user := $(top)/build/user
as_root := $(if $(filter-out 0,$(shell id -u)),sudo)

# Try to build each one even if the other fails.
.PHONY: all
all:
	@status=0; $(MAKE) tool || status=1; $(MAKE) module || status=1; exit $$status

# --- the module, for this machine --------------------------------------------

# Headers of the running kernel, or else the newest installed ones.
running := $(shell uname -r)
headers_in = $(patsubst %/include/config/auto.conf,%,\
	$(wildcard $(addsuffix /include/config/auto.conf,$(1))))
KDIR ?= $(or $(call headers_in,/lib/modules/$(running)/build),$(shell printf '%s\n' \
	$(call headers_in,/lib/modules/*/build /usr/src/linux-headers-*) | sort -V | tail -n 1))

# Links to the sources, so that the kernel's build leaves no files among them.
sources := $(patsubst $(top)/%,%,$(wildcard \
	$(top)/Kbuild $(top)/*.c $(top)/device/*.c $(top)/debug/*.c) \
	$(shell find $(top)/include -name '*.h'))
links := $(addprefix $(host)/,$(sources))

$(links): $(host)/%:
	@mkdir -p $(@D)
	@ln -sfn $(top)/$* $@

# Debian's kernels identify themselves, and their headers are in a package named
# after the release. For other kernels the location is unknown.
kernel_version := $(shell uname -v)
define get_headers
$(if $(findstring Debian,$(kernel_version)),
	$(strip $(as_root) apt-get install linux-headers-$(running)),
	This is not a Debian kernel: install the headers that belong to it$(comma)
	or set KDIR to its build directory.)
endef
comma := ,

define no_headers
memalloc: no kernel headers$(if $(KDIR), in $(KDIR)) for $(running).$(get_headers)
To use other headers, run make KDIR=/path/to/linux-headers
("make demo" and "make check" need none: they use their own kernels.)
endef

define no_compiler
memalloc: no gcc. Install the build tools with
	tools/setup build
endef

.PHONY: module
module: export no_headers := $(no_headers)
module: export no_compiler := $(no_compiler)
module: $(links)
	@command -v gcc >/dev/null || { echo "$$no_compiler" >&2; exit 1; }
	@[[ -e '$(KDIR)/include/config/auto.conf' ]] || { echo "$$no_headers" >&2; exit 1; }
	@find $(host) -xtype l -delete
	@$(MAKE) -C $(KDIR) M=$(host) CONFIG_DEBUG_INFO_BTF_MODULES= modules

# The tool contains the static library.
.PHONY: tool
tool:
	@$(MAKE) -C tools OUT=$(user)

.PHONY: library
library:
	@$(MAKE) -C lib OUT=$(user)

# --- the module, in this machine ---------------------------------------------

define cannot_load
memalloc could not be loaded. See the error above and dmesg:
  Key was rejected, Required key not available, Operation not permitted:
	Secure Boot is on and the module is not signed. Sign build/host/memalloc.ko
	with an enrolled key (mokutil --import), or disable Secure Boot.
  Invalid module format:
	the module was built for $(KDIR), but the running kernel $(running)
	needs its own headers.$(get_headers)
  Cannot allocate memory:
	there is less free memory than reserve_mb.
  Permission denied, Operation not permitted:
	loading needs root, and does not work in a container.
  Function not implemented:
	the running kernel does not support modules.
endef

.PHONY: load
load: export cannot_load := $(cannot_load)
load: module
	@! [[ -d /sys/module/memalloc ]] || \
		{ echo "memalloc is already loaded; unload it with make unload" >&2; exit 1; }
	@$(as_root) insmod $(host)/memalloc.ko $(PARAMS) || { echo "$$cannot_load" >&2; exit 1; }
	@cd /sys/module/memalloc/parameters && \
		echo "memalloc is loaded: cap $$(<cap_mb) MiB, reserve $$(<reserve_mb) MiB"
	@stat -c '%n: owner %U, group %G, mode %A' /dev/memalloc
	@[[ -w /dev/memalloc ]] || \
		echo "You have no access to it: run memallocctl as root, or see make install."

.PHONY: unload
unload:
	@[[ -d /sys/module/memalloc ]] || { echo "memalloc is not loaded" >&2; exit 1; }
	@$(as_root) rmmod memalloc || \
		{ echo "memalloc is in use: by programs (fuser /dev/memalloc) or modules (lsmod)" >&2; exit 1; }
	@echo "memalloc is unloaded"
	@$(as_root) dmesg | grep 'memalloc: .*returned$$' | tail -n 1

INCLUDEDIR ?= $(PREFIX)/include
PKGCONFIGDIR ?= $(PREFIX)/share/pkgconfig
# As uname -r prints it; the kernel.release file of Debian's kernels differs.
release_of_kdir = $(shell sed -n 's/^\#define UTS_RELEASE "\(.*\)"/\1/p' \
	$(KDIR)/include/generated/utsrelease.h 2>/dev/null)
SYMVERSDIR ?= $(PREFIX)/lib/memalloc/$(release_of_kdir)
modules_dir = $(DESTDIR)/lib/modules/$(release_of_kdir)/updates

# Files for programs and modules that use this one.
client_headers := $(notdir $(wildcard $(top)/include/memalloc/*.h))

.PHONY: install-headers
install-headers:
	@install -D -m 644 $(top)/include/uapi/linux/memalloc.h \
		$(DESTDIR)$(INCLUDEDIR)/linux/memalloc.h
	@install -d $(DESTDIR)$(INCLUDEDIR)/memalloc $(DESTDIR)$(PKGCONFIGDIR)
	@install -m 644 $(client_headers:%=$(top)/include/memalloc/%) \
		$(DESTDIR)$(INCLUDEDIR)/memalloc
	@sed -e 's|@INCLUDEDIR@|$(INCLUDEDIR)|' -e 's|@SYMVERSDIR@|$(SYMVERSDIR)|' \
		-e "s|@VERSION@|$$(sed -n 's/^#define MEMALLOC_RELEASE[[:space:]]*"\(.*\)"/\1/p' \
			$(top)/include/memalloc/version.h)|" \
		$(top)/tools/memalloc.pc.in >$(DESTDIR)$(PKGCONFIGDIR)/memalloc.pc

.PHONY: install-module
install-module: module
	@install -D -m 644 $(host)/memalloc.ko $(modules_dir)/memalloc.ko
	@install -D -m 644 $(host)/Module.symvers $(DESTDIR)$(SYMVERSDIR)/Module.symvers
	$(if $(DESTDIR),,@depmod -a $(release_of_kdir))

# DESTDIR is set while building a package: do not touch this machine then.
.PHONY: install
install: install-module install-headers
	@$(MAKE) -C tools OUT=$(user) DESTDIR=$(DESTDIR) PREFIX=$(PREFIX) install
	@$(MAKE) -C lib OUT=$(user) DESTDIR=$(DESTDIR) PREFIX=$(PREFIX) \
		INCLUDEDIR=$(INCLUDEDIR) install
	$(if $(DESTDIR),,@echo "$$installed")

define installed
Installed. To give the members of a group memalloc access to /dev/memalloc:
	groupadd --force --system memalloc && udevadm control --reload
Load the module with modprobe memalloc. make uninstall removes all files.
endef
install: export installed := $(installed)

# Remove the files of install, with the same variables, and empty directories.
.PHONY: uninstall
uninstall:
	@$(MAKE) -C tools OUT=$(user) DESTDIR=$(DESTDIR) PREFIX=$(PREFIX) uninstall
	@$(MAKE) -C lib OUT=$(user) DESTDIR=$(DESTDIR) PREFIX=$(PREFIX) \
		INCLUDEDIR=$(INCLUDEDIR) uninstall
	@rm -f $(modules_dir)/memalloc.ko $(DESTDIR)$(SYMVERSDIR)/Module.symvers \
		$(DESTDIR)$(INCLUDEDIR)/linux/memalloc.h $(DESTDIR)$(PKGCONFIGDIR)/memalloc.pc \
		$(client_headers:%=$(DESTDIR)$(INCLUDEDIR)/memalloc/%)
	@for dir in $(modules_dir) $(DESTDIR)$(SYMVERSDIR) $(DESTDIR)$(PREFIX)/lib/memalloc \
		$(DESTDIR)$(INCLUDEDIR)/memalloc $(DESTDIR)$(INCLUDEDIR)/linux; do \
		rmdir --ignore-fail-on-non-empty $$dir 2>/dev/null || true; done
	$(if $(DESTDIR),,@depmod -a $(release_of_kdir))

# Debian packages, in build/deb
.PHONY: deb
deb:
	@tools/setup build deb
	@tools/deb $(top)/build/deb

# --- our own kernels: tests/vm -----------------------------------------------

.PHONY: demo
demo:
	@tools/setup build vm
	@tests/demo $(if $(filter 1,$(V)),-v)

# RESUME=1 does not repeat suites that have passed on the same sources.
resume := $(if $(filter 1,$(RESUME)),--resume)

.PHONY: check
check:
	@tests/check $(resume)

.PHONY: check-long
check-long:
	@tests/check --long $(resume)

SECONDS ?= 60

# Plant the bugs of tests/mutants, one at a time.
.PHONY: mutants
mutants:
	@tests/mutants/run $(MUTANTS)

# Fuzz without sanitizers, which is much faster; then replay with sanitizers.
.PHONY: fuzz
fuzz:
	@tests/fuzz/run --seconds $(SECONDS)
	@tests/fuzz/run --replay

# On each of the two kernels
.PHONY: stress
stress:
	@tests/stress/run --seconds $(SECONDS)

.PHONY: lint
lint:
	@tools/setup
	@tests/lint

.PHONY: shell
shell: tool
	@tests/vm/build $(KERNEL) >/dev/null
	@tests/vm/run --interactive $(KERNEL)

benches := $(notdir $(wildcard $(addprefix $(top)/tests/bench/,insns time memory)))

.PHONY: $(benches:%=bench-%)
$(benches:%=bench-%): bench-%:
	@tests/bench/$*

.PHONY: bench-plots
bench-plots:
	@tests/bench/report
	@tests/bench/plot

# --- other targets -----------------------------------------------------------

.PHONY: clean
clean:
	rm -rf $(top)/build

.PHONY: help
help:
	@echo 'On this machine:'
	@echo '  make              build the module (build/host/memalloc.ko), memallocctl and libmemalloc (build/user/)'
	@echo '  make load         load the module         PARAMS="cap_mb=256 reserve_mb=16"'
	@echo '  make unload       unload it'
	@echo '  make install      install module, tool, library, headers    DESTDIR= PREFIX=/usr/local'
	@echo '  make uninstall    remove all installed files'
	@echo '  make deb          build Debian packages in build/deb/'
	@echo 'In its own kernels, without touching this machine:'
	@echo '  make demo         demonstrate it on the kernel of Debian 12     V=1: full output'
	@echo '  make check        run all tests'
	@echo '  make check-long   run long tests: loops, stress, races, faults, other kernels'
	@echo '                    RESUME=1 leaves out what has passed on the same sources'
	@echo '  make fuzz         fuzz the device                               SECONDS=60'
	@echo '  make stress       stress all layers at once                     SECONDS=60'
	@echo '  make mutants      plant bugs, and see that a suite finds each   MUTANTS=PATTERN'
	@echo '  make shell        open a shell with the module loaded         KERNEL=uml uml-debug 6.1 6.12 7.2'
	@$(if $(filter insns,$(benches)),echo '  make bench-insns  count instructions of memalloc and host      KERNEL=6.1 BENCH=PATTERN')
	@$(if $(filter time,$(benches)),echo '  make bench-time   measure time of memalloc and host             KERNEL=uml BENCH=PATTERN')
	@echo '  make bench-plots  update the report and figures in docs/bench/'
	@$(if $(filter memory,$(benches)),echo '  make bench-memory measure memory of memalloc and host           KERNEL=6.1')
	@echo 'Sources:'
	@echo '  make lint         check style, warnings, documentation'
	@echo '  make clean        remove build/'
	@echo 'KDIR=DIR: kernel headers to build with. C=1: run sparse. V=1: show commands.'
