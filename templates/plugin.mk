# @name@, a plugin of cleversync.
#
#   make            builds @name@.so
#   make check      runs its test, then the cases that all plugins of its kind
#                   have to pass
#   make install    puts it where cleversync looks for plugins
#
# An installed cleversync is found by pkg-config; one that is not in the usual
# place by PKG_CONFIG_PATH.  To build with a source tree instead:
#
#   make CLEVERSYNC_CFLAGS=-I../cleversync/include CLEVERSYNC_LIBS=-ljansson

NAME = @name@
KIND = @kind@

CLEVERSYNC = cleversync
CHECK = $(CLEVERSYNC) --config check/cleversync.conf plugins check
CLEVERSYNC_CFLAGS = `pkg-config --cflags cleversync`
CLEVERSYNC_LIBS = `pkg-config --libs cleversync`
PLUGINDIR = `pkg-config --variable=plugindir cleversync`
CFLAGS = -O2 -g
STRICT = -std=c11 -Wall -Wextra -Wpedantic

all: $(NAME).so

# Of its names only the descriptor is exported, and none is left to be found at
# run time.
$(NAME).so: $(NAME).c
	$(CC) $(STRICT) $(CFLAGS) $(LDFLAGS) -fPIC -fvisibility=hidden -shared \
		-Wl,-z,defs,-z,now $(CLEVERSYNC_CFLAGS) -o $@ $(NAME).c \
		$(CLEVERSYNC_LIBS)

test-$(NAME): test-$(NAME).c $(NAME).c fake-host.h
	$(CC) $(STRICT) $(CFLAGS) $(LDFLAGS) $(CLEVERSYNC_CFLAGS) -o $@ \
		test-$(NAME).c $(NAME).c $(CLEVERSYNC_LIBS)

test: test-$(NAME)
	./test-$(NAME)

check: all test
	rm -rf check && mkdir check && : >check/cleversync.conf
@check@

install: all
	mkdir -p "$(DESTDIR)$(PLUGINDIR)/$(KIND)"
	cp $(NAME).so "$(DESTDIR)$(PLUGINDIR)/$(KIND)/"

clean:
	rm -rf $(NAME).so test-$(NAME) check

.PHONY: all test check install clean
