// SPDX-License-Identifier: GPL-2.0
/*
 * memallocctl shell on a terminal: editing, history, completion, Ctrl-C
 *
 * The tests type on a pseudo terminal. They expect what any line editor with
 * Emacs keys does.
 */
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"

#define PROMPT "memalloc> "
#define CTRL_A "\001"
#define CTRL_C "\003"
#define CTRL_D "\004"
#define CTRL_P "\020"
#define TAB "\t"

#define PATIENCE_MS 30000

FIXTURE(shell) {
	int terminal;
	pid_t pid;
	char seen[1 << 16];	/* output since the last match */
	size_t length;
};

/* Return: true if the text appears in new output within some time. */
static bool sees(FIXTURE_DATA(shell) *self, const char *text)
{
	struct pollfd fd = { .fd = self->terminal, .events = POLLIN };
	char *found;
	ssize_t got;

	while (!(found = strstr(self->seen, text))) {
		if (self->length > sizeof(self->seen) / 2) {
			memmove(self->seen, self->seen + self->length / 2,
				self->length - self->length / 2 + 1);
			self->length -= self->length / 2;
		}
		if (poll(&fd, 1, PATIENCE_MS) <= 0)
			return false;
		got = read(self->terminal, self->seen + self->length,
			   sizeof(self->seen) - self->length - 1);
		if (got <= 0)
			return false;
		self->length += (size_t)got;
		self->seen[self->length] = '\0';
	}
	self->length -= (size_t)(found - self->seen) + strlen(text);
	memmove(self->seen, found + strlen(text), self->length + 1);
	return true;
}

static void type(FIXTURE_DATA(shell) *self, const char *keys)
{
	if (write(self->terminal, keys, strlen(keys)) < 0)
		perror("write");
}

#define SEES(text)								\
	ASSERT_TRUE(sees(self, text))						\
		TH_LOG("no '%s' in '%s'", text, self->seen)

FIXTURE_SETUP(shell)
{
	const struct winsize size = { .ws_row = 24, .ws_col = 80 };

	self->length = 0;
	self->seen[0] = '\0';
	self->pid = forkpty(&self->terminal, NULL, NULL, &size);
	ASSERT_LE(0, self->pid);
	if (!self->pid) {
		execlp("memallocctl", "memallocctl", "shell", NULL);
		_exit(127);
	}
	SEES(PROMPT);
}

FIXTURE_TEARDOWN(shell)
{
	close(self->terminal);
	kill(self->pid, SIGKILL);
	waitpid(self->pid, NULL, 0);
}

TEST_F(shell, completes_commands_options_and_names)
{
	type(self, "cac" TAB "cr" TAB "inode --si" TAB "600\n");
	SEES("cache create inode --size 600");
	SEES("inode = 0x");
	SEES(PROMPT);
	type(self, "alloc --cache in" TAB "\n");
	SEES("--cache inode");
	SEES("$1 = 0x");
	SEES("1 of cache u:inode");
	SEES(PROMPT);
	type(self, "kept = all" TAB "--ord" TAB "1\n");
	SEES("kept = 0x");
	SEES("8192 bytes");
	type(self, "stat bo" TAB "\n");
	SEES("BORROWING");
}

TEST_F(shell, lists_candidates_of_an_ambiguous_word)
{
	type(self, "re" TAB);
	SEES("read");
	SEES("resize");
	type(self, "ad --he" TAB "\n");
	SEES("Usage: read");
}

TEST_F(shell, has_a_history)
{
	type(self, "first = alloc --order 1\n");
	SEES("first = 0x");
	SEES(PROMPT);
	type(self, "alloc --order 2\n");
	SEES("$1 = 0x");
	SEES(PROMPT);
	type(self, CTRL_P "\n");
	SEES("$2 = 0x");
	SEES("16384 bytes");
	SEES(PROMPT);
	type(self, CTRL_P CTRL_P CTRL_A "x\n");
	SEES("xfirst = 0x");
}

TEST_F(shell, edits_the_line)
{
	type(self, "loc --order 1" CTRL_A "al\n");
	SEES("$1 = 0x");
	SEES("8192 bytes");
}

/* Allocations survive, and so does the shell. */
TEST_F(shell, drops_the_line_at_ctrl_c)
{
	int i;

	type(self, "kept = alloc\n");
	SEES("kept = 0x");
	SEES(PROMPT);
	/* A line editor may ignore the first signal. */
	for (i = 0; i < 3; i++) {
		type(self, "garbage");
		SEES("garbage");
		type(self, CTRL_C);
		SEES(PROMPT);
	}
	type(self, "list\n");
	SEES("pages");
	ASSERT_EQ(NULL, strstr(self->seen, "unknown command"));
}

static void nap(long ms)
{
	const struct timespec time = { .tv_nsec = ms * 1000000 };

	nanosleep(&time, NULL);
}

TEST_F(shell, ends_a_command_at_ctrl_c)
{
	type(self, "kept = alloc\n");
	SEES("kept = 0x");
	SEES(PROMPT);
	type(self, "alloc --kmalloc 8 --count 1000000 --quiet\n");
	SEES("--quiet");
	nap(300);
	type(self, CTRL_C);
	SEES("interrupted");
	SEES("of 1000000 allocations made");
	SEES(PROMPT);
	type(self, "free $*\n");
	SEES(PROMPT);
	type(self, "info kept\n");
	SEES("4096");
}

/*
 * The allocations reach the cap, and the command waits in the kernel for
 * memory. On a slow machine it may not have got there yet.
 */
TEST_F(shell, ends_a_wait_in_the_kernel_at_ctrl_c)
{
	type(self, "mempool create p --min 1 --pages 0\n");
	SEES("p = 0x");
	SEES(PROMPT);
	type(self, "alloc --order 10 --gfp nofail,nowarn --count 5000 --quiet\n");
	SEES("--quiet");
	nap(900);
	type(self, CTRL_C);
	SEES("of 5000 allocations made");
	SEES(PROMPT);
	type(self, "info p\n");
	SEES("mempool");
}

TEST_F(shell, ends_at_the_end_of_input)
{
	pid_t ended = 0;
	int status, i;

	/* A key typed while the terminal changes its mode is lost. */
	for (i = 0; i < 300 && !ended; i++) {
		if (i % 20 == 0)
			type(self, CTRL_D);
		usleep(100000);
		ended = waitpid(self->pid, &status, WNOHANG);
	}
	ASSERT_EQ(self->pid, ended);
	ASSERT_TRUE(WIFEXITED(status));
	EXPECT_EQ(0, WEXITSTATUS(status));
}

TEST_HARNESS_MAIN
