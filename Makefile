# SPDX-License-Identifier: GPL-2.0
#
# memalloc: what there is to type. "make help" lists it.
#
# The kernel's build system reads Kbuild, not this file. Everything that is
# built goes to build/: build/host/ for the kernel of this machine, build/user/
# for programs, build/KERNEL/ for the kernels of tests/vm.

SHELL := /bin/bash
MAKEFLAGS += --no-print-directory

KERNEL ?= uml
PREFIX ?= /usr/local

top := $(patsubst %/,%,$(dir $(abspath $(lastword $(MAKEFILE_LIST)))))
host := $(top)/build/host
user := $(top)/build/user
as_root := $(if $(filter-out 0,$(shell id -u)),sudo)

.PHONY: all
all: module tool

# --- the module, for this machine ---------------------------------------------

# Headers of the running kernel, or else the newest that there are.
running := $(shell uname -r)
headers_in = $(patsubst %/include/config/auto.conf,%,\
	$(wildcard $(addsuffix /include/config/auto.conf,$(1))))
KDIR ?= $(or $(call headers_in,/lib/modules/$(running)/build),$(shell printf '%s\n' \
	$(call headers_in,/lib/modules/*/build /usr/src/linux-headers-*) | sort -V | tail -n 1))

# Links to the sources, so that the kernel's build leaves nothing beside them.
sources := $(patsubst $(top)/%,%,$(wildcard $(top)/Kbuild $(top)/*.c $(top)/device/*.c $(top)/debug/*.c) \
	$(shell find $(top)/include -name '*.h'))
links := $(addprefix $(host)/,$(sources))

$(links): $(host)/%:
	@mkdir -p $(@D)
	@ln -sfn $(top)/$* $@

# The headers of a Debian kernel are in a package of the same name.
headers_package := linux-headers-$(or $(filter %-amd64 %-arm64 %-686-pae,$(running)),amd64)

define no_headers
memalloc: no kernel headers$(if $(KDIR), in $(KDIR), for $(running)). Install those of Debian's kernel with
	$(strip $(as_root) apt-get install $(headers_package))
or say where there are others: make KDIR=/path/to/linux-headers
("make demo" and "make check" need none: they bring kernels of their own.)
endef

define no_compiler
memalloc: no gcc. Install what it takes to build with
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

.PHONY: tool
tool:
	@$(MAKE) -C tools OUT=$(user)

# --- the module, in this machine ----------------------------------------------

define cannot_load
memalloc could not be loaded. What the kernel (see dmesg, too) says above, means:
  Key was rejected, Required key not available, Operation not permitted:
	Secure Boot is on and the module is not signed. Sign build/host/memalloc.ko
	with a key that is enrolled (mokutil --import), or switch Secure Boot off.
  Invalid module format:
	it is built for $(KDIR), but $(running) runs. Install its headers with
	$(strip $(as_root) apt-get install $(headers_package))
  Cannot allocate memory:
	there is not so much to spare as reserve_mb asks for.
  Permission denied, Operation not permitted:
	loading takes root, and is not possible in a container.
  Function not implemented:
	the kernel that runs has no modules.
endef

.PHONY: load
load: export cannot_load := $(cannot_load)
load: module
	@! [[ -d /sys/module/memalloc ]] || \
		{ echo "memalloc is loaded already; make unload removes it" >&2; exit 1; }
	@$(as_root) insmod $(host)/memalloc.ko $(PARAMS) || { echo "$$cannot_load" >&2; exit 1; }
	@cd /sys/module/memalloc/parameters && \
		echo "memalloc is loaded: it may borrow $$(<cap_mb) MiB, and keeps $$(<reserve_mb) MiB"
	@stat -c '%n: owner %U, group %G, mode %A' /dev/memalloc
	@[[ -w /dev/memalloc ]] || \
		echo "You are not allowed to use it: run memallocctl as root, or see make install."

.PHONY: unload
unload:
	@[[ -d /sys/module/memalloc ]] || { echo "memalloc is not loaded" >&2; exit 1; }
	@$(as_root) rmmod memalloc || \
		{ echo "memalloc is in use: by programs (fuser /dev/memalloc) or modules (lsmod)" >&2; exit 1; }
	@echo "memalloc is removed"
	@$(as_root) dmesg | grep 'memalloc: .*returned$$' | tail -n 1

# With DESTDIR a package is being made, and depmod is the target's business.
.PHONY: install
install: all
	$(MAKE) -C $(KDIR) M=$(host) INSTALL_MOD_PATH=$(DESTDIR) DEPMOD=true \
		CONFIG_MODULE_SIG_ALL= modules_install
	$(if $(DESTDIR),,depmod -a $$(<$(KDIR)/include/config/kernel.release))
	$(MAKE) -C tools OUT=$(user) DESTDIR=$(DESTDIR) PREFIX=$(PREFIX) install
	@echo "Installed. To let the members of a group memalloc use /dev/memalloc:"
	@echo "	groupadd --force --system memalloc && udevadm control --reload"
	@echo "and, as for any module, modprobe memalloc loads it."

# --- kernels of our own: tests/vm -----------------------------------------------

.PHONY: demo
demo:
	@tools/setup build vm
	@tests/demo

.PHONY: check
check:
	@tests/check

.PHONY: check-long
check-long:
	@tests/check --long

SECONDS ?= 60

# Many times as fast without sanitizers; then, what was found again with them.
.PHONY: fuzz
fuzz:
	@tests/fuzz/run --seconds $(SECONDS)
	@tests/fuzz/run --replay

# On each of the two kernels.
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

# --- the rest -------------------------------------------------------------------

.PHONY: clean
clean:
	rm -rf $(top)/build

.PHONY: help
help:
	@echo 'On this machine:'
	@echo '  make              the module (build/host/memalloc.ko) and memallocctl (build/user/)'
	@echo '  make load         load it                 PARAMS="cap_mb=256 reserve_mb=16"'
	@echo '  make unload       remove it'
	@echo '  make install      module, tool, manual page, udev rule      DESTDIR= PREFIX=/usr/local'
	@echo 'In kernels of its own, without touching this machine:'
	@echo '  make demo         see it work on the kernel of Debian 12'
	@echo '  make check        all tests'
	@echo '  make check-long   what takes an hour: loops, stress, races, faults, other kernels'
	@echo '  make fuzz         send the device all there is                  SECONDS=60'
	@echo '  make stress       everything at once                            SECONDS=60'
	@echo '  make shell        a prompt with the module loaded           KERNEL=uml uml-debug 6.1 6.12 7.2'
	@$(if $(filter insns,$(benches)),echo '  make bench-insns  instructions of ours and of the host        KERNEL=6.1 BENCH=PATTERN')
	@$(if $(filter time,$(benches)),echo '  make bench-time   nanoseconds of ours and of the host         KERNEL=uml BENCH=PATTERN')
	@echo '  make bench-plots  bring the report and figures in docs/bench/ up to date'
	@$(if $(filter memory,$(benches)),echo '  make bench-memory memory that ours and the host take          KERNEL=6.1')
	@echo 'Of the sources:'
	@echo '  make lint         style, warnings, documentation'
	@echo '  make clean        remove build/'
	@echo 'KDIR=DIR: kernel headers to build with. C=1: run sparse. V=1: show commands.'
