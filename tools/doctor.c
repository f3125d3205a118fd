// SPDX-License-Identifier: GPL-2.0
/*
 * The command "doctor": look for problems with the installation
 *
 * Each check prints one line, followed by remedies if it failed. A check is
 * skipped if an earlier one already explains its failure: without the module
 * there is no device to examine.
 */
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <grp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "../lib/common.h"

#include "args.h"
#include "command.h"
#include "errors.h"
#include "parse.h"
#include "statistics.h"

#define MODULE "/sys/module/memalloc"

/* A program that opens the device often may reach a lower limit. */
#define FILES_MIN 64

/* The handles of a small test do not fit into less room in a memory cgroup. */
#define CGROUP_ROOM_MIN (1 << 20)

/**
 * struct doctor - state of the checks
 * @session: the session
 * @quiet: print failed checks only
 * @bad: number of failed checks
 * @release: release of the running kernel
 * @loaded: the module is loaded
 * @module: path of the file that modprobe would load, or NULL
 */
struct doctor {
	struct session *session;
	bool quiet;
	unsigned int bad;
	char release[128];
	bool loaded;
	char *module;
};

static const struct argp_option option_list[] = {
	{ "quiet", 'q', NULL, 0, "Print failed checks only", 0 },
	{ 0 }
};

static const char doc[] =
	"Look for problems that keep memalloc from working on this machine, and "
	"print remedies."
	"\v"
	"Checks the module and the kernel, kernel headers, module signature and "
	"lockdown, the device and its permissions, parameters, limits, the "
	"memory cgroup, and versions. Exits with 1 if any check fails.";

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct doctor *doctor = state->input;

	switch (key) {
	case 'q':
		doctor->quiet = true;
		return 0;
	case ARGP_KEY_ARG:
		return args_error("unexpected argument '%s'", arg);
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = { option_list, parse, NULL, doc, 0, 0, 0 };

/* Output */

static void say(const char *verdict, const char *what, const char *format,
		va_list args)
{
	printf("%-7s %-11s ", verdict, what);
	vprintf(format, args);
	putchar('\n');
}

static void ok(const struct doctor *doctor, const char *what,
	       const char *format, ...) __attribute__((format(printf, 3, 4)));
static void not_ok(struct doctor *doctor, const char *what, const char *format,
		   ...) __attribute__((format(printf, 3, 4)));
static void remedy(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

static void ok(const struct doctor *doctor, const char *what,
	       const char *format, ...)
{
	va_list args;

	if (doctor->quiet)
		return;
	va_start(args, format);
	say("ok", what, format, args);
	va_end(args);
}

static void not_ok(struct doctor *doctor, const char *what, const char *format,
		   ...)
{
	va_list args;

	doctor->bad++;
	va_start(args, format);
	say("not ok", what, format, args);
	va_end(args);
}

static void remedy(const char *format, ...)
{
	va_list args;

	printf("%20s", "");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
}

/* Reading the state of the system */

/* Return: first line of a file without its newline, or NULL. */
static const char *read_line(const char *path)
{
	static char line[512];
	FILE *file = fopen(path, "re");
	bool good;

	if (!file)
		return NULL;
	good = fgets(line, sizeof(line), file);
	fclose(file);
	if (!good)
		return NULL;
	line[strcspn(line, "\n")] = '\0';
	return line;
}

/* Return: false if the file does not exist or has no number. */
static bool read_number(const char *path, uint64_t *number)
{
	const char *line = read_line(path);

	return line && !number_parse(line, number);
}

static bool read_parameter(const char *name, uint64_t *number)
{
	char path[128];

	snprintf(path, sizeof(path), MEMALLOC_PARAMETERS "%s", name);
	return read_number(path, number);
}

/*
 * Does this line of modules.dep describe the module? If so, cut it to the path.
 */
static bool is_entry(char *line)
{
	char *colon = strchr(line, ':');

	if (!colon)
		return false;
	*colon = '\0';
	return !fnmatch("memalloc.ko*", line, 0) ||
	       !fnmatch("*/memalloc.ko*", line, 0);
}

/* Find the file that modprobe would load. Return: path, or NULL. */
static char *find_module(const struct doctor *doctor)
{
	char directory[192], path[256], line[1024], *module = NULL;
	FILE *file;

	snprintf(directory, sizeof(directory), "/lib/modules/%s/",
		 doctor->release);
	snprintf(path, sizeof(path), "%smodules.dep", directory);
	file = fopen(path, "re");
	while (file && !module && fgets(line, sizeof(line), file))
		if (is_entry(line) &&
		    asprintf(&module, "%s%s", *line == '/' ? "" : directory,
			     line) < 0)
			module = NULL;
	if (file)
		fclose(file);
	return module;
}

static bool has_headers(const struct doctor *doctor)
{
	char path[256];

	snprintf(path, sizeof(path),
		 "/lib/modules/%s/build/include/config/auto.conf",
		 doctor->release);
	return !access(path, R_OK);
}

/* The module */

static void check_module(struct doctor *doctor)
{
	doctor->loaded = !access(MODULE, F_OK);
	doctor->module = find_module(doctor);
	if (doctor->loaded) {
		ok(doctor, "module", "loaded, on kernel %s", doctor->release);
	} else if (doctor->module) {
		not_ok(doctor, "module", "installed for kernel %s, but not loaded",
		       doctor->release);
		remedy("modprobe memalloc");
	} else {
		not_ok(doctor, "module", "neither loaded nor installed for kernel %s",
		       doctor->release);
		remedy("With the memalloc-dkms package: dkms autoinstall -k %s",
		       doctor->release);
		remedy("In the source tree: make load");
	}
}

/* Headers are not needed if the module is loaded or installed. */
static void check_headers(struct doctor *doctor)
{
	if (has_headers(doctor)) {
		ok(doctor, "headers", "found for kernel %s", doctor->release);
	} else if (doctor->loaded || doctor->module) {
		ok(doctor, "headers", "none for kernel %s, and none needed",
		   doctor->release);
	} else {
		not_ok(doctor, "headers", "none for kernel %s: cannot build the "
		       "module", doctor->release);
		remedy("On a Debian kernel: apt-get install linux-headers-%s",
		       doctor->release);
	}
}

static bool secure_boot(void)
{
	unsigned char value[5] = { 0 };
	int fd = open("/sys/firmware/efi/efivars/SecureBoot-"
		      "8be4df61-93ca-11d2-aa0d-00e098032b8c",
		      O_RDONLY | O_CLOEXEC);
	ssize_t got;

	if (fd < 0)
		return false;
	got = read(fd, value, sizeof(value));
	close(fd);
	return got == sizeof(value) && value[4];
}

/* Return: reason why the kernel loads only signed modules, or NULL. */
static const char *needs_signature(void)
{
	const char *line = read_line("/sys/kernel/security/lockdown");

	if (line && !strstr(line, "[none]"))
		return "the kernel is locked down";
	line = read_line("/sys/module/module/parameters/sig_enforce");
	if (line && *line == 'Y')
		return "the kernel enforces signatures";
	if (secure_boot())
		return "Secure Boot is on";
	return NULL;
}

static bool is_signed(const char *path)
{
	static const char end[] = "~Module signature appended~\n";
	char text[sizeof(end)] = "";
	FILE *file = fopen(path, "re");
	bool good;

	if (!file)
		return false;
	good = !fseek(file, -(long)strlen(end), SEEK_END) &&
	       fread(text, 1, strlen(end), file) == strlen(end) &&
	       !strcmp(text, end);
	fclose(file);
	return good;
}

/* The signature of a compressed module is not visible. */
static bool is_plain(const char *path)
{
	return !fnmatch("*.ko", path, 0);
}

static void check_signature(struct doctor *doctor)
{
	const char *why = needs_signature();

	if (!why)
		ok(doctor, "signature", "not needed: the kernel loads any module");
	else if (doctor->loaded)
		ok(doctor, "signature", "%s, and the module is loaded", why);
	else if (doctor->module && (is_signed(doctor->module) ||
				     !is_plain(doctor->module)))
		ok(doctor, "signature", "%s; the module is signed, its key must "
		   "be enrolled: mokutil --list-enrolled", why);
	else {
		not_ok(doctor, "signature", "%s, and there is no signed module", why);
		remedy("DKMS signs modules. Enroll its key once with mokutil "
		       "--import /var/lib/dkms/mok.pub,");
		remedy("then reboot. To sign your own build, use "
		       "scripts/sign-file of the kernel headers.");
	}
}

/* The device */

/* Name the users that have access. */
static void advise_group(const struct stat *status)
{
	const struct group *group = getgrgid(status->st_gid);
	const char *name = group ? group->gr_name : "?";

	if (!status->st_gid || !(status->st_mode & S_IWGRP)) {
		remedy("Only root has access. To grant it to a group, create the "
		       "group (groupadd --system");
		remedy("memalloc), install the udev rule, and run \"udevadm "
		       "trigger\".");
	} else {
		remedy("Members of group %s have access: usermod -aG %s USER, "
		       "then log in again.", name, name);
	}
}

static void check_device(struct doctor *doctor)
{
	const char *path = doctor->session->device.path;
	struct stat status;
	int err;

	if (!doctor->loaded)
		return;
	if (stat(path, &status) || !S_ISCHR(status.st_mode)) {
		not_ok(doctor, "device", "%s does not exist", path);
		remedy("udevadm trigger --name-match=memalloc, or without udev: "
		       "mount devtmpfs on /dev");
		return;
	}
	err = device_open(&doctor->session->device, path);
	if (err) {
		not_ok(doctor, "device", "%s: %s", path, strerror(-err));
		if (err == -EACCES || err == -EPERM)
			advise_group(&status);
	} else if (doctor->session->device.read_only) {
		not_ok(doctor, "device", "%s: no permission to write",
		       path);
		advise_group(&status);
	} else {
		ok(doctor, "device", "%s can be used, mode %04o", path,
		   status.st_mode & 07777);
	}
}

static bool is_open(const struct doctor *doctor)
{
	return doctor->session->device.fd >= 0;
}

/* Parameters and limits */

static void check_parameters(struct doctor *doctor)
{
	uint64_t cap, reserve;

	if (!doctor->loaded)
		return;
	if (!read_parameter("cap_mb", &cap) ||
	    !read_parameter("reserve_mb", &reserve)) {
		not_ok(doctor, "parameters", "cannot read %s", MEMALLOC_PARAMETERS);
		remedy("Is sysfs mounted on /sys?");
	} else if (!cap) {
		not_ok(doctor, "parameters", "cap_mb is 0: nothing can be borrowed");
		remedy("echo MEBIBYTES >" MEMALLOC_PARAMETERS "cap_mb");
	} else if (reserve > cap) {
		not_ok(doctor, "parameters", "reserve_mb is %llu, but cap_mb is "
		       "%llu", (unsigned long long)reserve,
		       (unsigned long long)cap);
		remedy("echo %llu >" MEMALLOC_PARAMETERS "cap_mb",
		       (unsigned long long)reserve);
	} else {
		ok(doctor, "parameters", "cap %llu MiB, reserve %llu MiB",
		   (unsigned long long)cap, (unsigned long long)reserve);
	}
}

static void check_cap(struct doctor *doctor)
{
	struct memalloc_stats_borrowing b;
	char used[MEMALLOC_BYTES_MAX], cap[MEMALLOC_BYTES_MAX];

	if (!is_open(doctor) ||
	    memalloc_stats(doctor->session->device.fd, MEMALLOC_SECTION_BORROWING, 0,
			   &b, sizeof(b), NULL))
		return;
	memalloc_format_bytes(b.borrowed * b.page_size + b.metadata_bytes, used);
	memalloc_format_bytes(b.cap * b.page_size, cap);
	if (memalloc_cap_allows(&b, 1) || b.free) {
		ok(doctor, "memory", "%s borrowed, cap %s", used, cap);
		return;
	}
	not_ok(doctor, "memory", "%s borrowed, the cap is %s, and none is free",
	       used, cap);
	remedy("Raise the cap: echo MEBIBYTES >" MEMALLOC_PARAMETERS "cap_mb; or run "
	       "\"memallocctl leaks\"");
}

/* Is there no room for a page and for the handle that describes it? */
static bool is_used_up(uint64_t used, uint64_t limit)
{
	return used >= limit || limit - used < 8192;
}

static void check_quota(struct doctor *doctor)
{
	struct memalloc_stats_file file;

	if (!is_open(doctor) ||
	    memalloc_stats(doctor->session->device.fd, MEMALLOC_SECTION_FILE, 0, &file,
			   sizeof(file), NULL))
		return;
	if (!is_used_up(file.device_bytes + file.device_described_bytes,
			file.device_bytes_limit) &&
	    !is_used_up(file.user_bytes, file.user_bytes_limit) &&
	    file.user_handles < file.user_handles_limit &&
	    file.handles_limit && file.bytes_limit) {
		ok(doctor, "quotas", "not exhausted");
		return;
	}
	not_ok(doctor, "quotas", "exhausted: no further allocation is possible");
	remedy("Raise quota_device_mb, quota_user_mb, quota_user_handles, quota_file_mb "
	       "or quota_handles in " MEMALLOC_PARAMETERS);
}

static void check_limits(struct doctor *doctor)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	if (limit.rlim_cur >= FILES_MIN) {
		ok(doctor, "limits", "%llu open files",
		   (unsigned long long)limit.rlim_cur);
		return;
	}
	not_ok(doctor, "limits", "only %llu open files: each user of the device "
	       "needs one", (unsigned long long)limit.rlim_cur);
	remedy("ulimit -n %d", FILES_MIN);
}

/* Find the cgroup v2 of this process. Return: false if there is none. */
static bool cgroup_path(const char *file, char *path, size_t size)
{
	const char *line = read_line("/proc/self/cgroup");
	const char *name = line && !strncmp(line, "0::", 3) ? line + 3 : NULL;

	return name && snprintf(path, size, "/sys/fs/cgroup%s/%s", name, file) <
	       (int)size;
}

static void check_cgroup(struct doctor *doctor)
{
	uint64_t most, current;
	char path[600];

	/* "max" is not a number: no limit is set. */
	if (!cgroup_path("memory.max", path, sizeof(path)) ||
	    !read_number(path, &most)) {
		ok(doctor, "cgroup", "no memory limit");
		return;
	}
	if (cgroup_path("memory.current", path, sizeof(path)) &&
	    read_number(path, &current) && most - current < CGROUP_ROOM_MIN) {
		not_ok(doctor, "cgroup", "no room left in the memory cgroup, "
		       "which handles are charged to");
		remedy("Raise memory.max of the cgroup in /proc/self/cgroup.");
		return;
	}
	ok(doctor, "cgroup", "handles are charged to it, limit %llu MiB",
	   (unsigned long long)(most >> 20));
}

/* Versions */

static void check_versions(struct doctor *doctor)
{
	struct memalloc_version version = { .size = sizeof(version) };
	int err;

	if (!is_open(doctor))
		return;
	err = memalloc_version(doctor->session->device.fd, &version);
	if (err) {
		not_ok(doctor, "versions", "memallocctl is %s, but the module is "
		       "older than 0.2.0", MEMALLOCCTL_VERSION);
	} else if (version.out_abi != MEMALLOC_ABI_VERSION) {
		not_ok(doctor, "versions", "memallocctl has interface version %d, "
		       "but the module has %u",
		       MEMALLOC_ABI_VERSION, version.out_abi);
	} else if (strcmp(version.out_release, MEMALLOCCTL_VERSION)) {
		not_ok(doctor, "versions", "memallocctl is %s, but the module is %s",
		       MEMALLOCCTL_VERSION, version.out_release);
	} else {
		ok(doctor, "versions", "memallocctl and module %s",
		   version.out_release);
		return;
	}
	remedy("Install both from one release, then reload the module.");
}

enum status cmd_doctor(struct session *session, int argc, char **argv)
{
	struct doctor doctor = { .session = session };
	enum args args = args_parse(&argp, argc, argv, 0, &doctor);
	struct utsname name;

	if (args != ARGS_GOOD)
		return args_status(args);
	uname(&name);
	snprintf(doctor.release, sizeof(doctor.release), "%s", name.release);
	check_module(&doctor);
	check_headers(&doctor);
	check_signature(&doctor);
	check_device(&doctor);
	check_versions(&doctor);
	check_parameters(&doctor);
	check_cap(&doctor);
	check_quota(&doctor);
	check_limits(&doctor);
	check_cgroup(&doctor);
	free(doctor.module);
	return doctor.bad ? STATUS_FAILED : STATUS_OK;
}
