# make			build everything into build/bin/
# make run		install what is missing, build, start on 127.0.0.1:8000
# make test		install what tests need, run everything
# make SAN=1 test	the same under AddressSanitizer and UBSan
# make bench		one run, a table of ratios
# make fuzz		every fuzz target for a minute
# make install		DESTDIR= PREFIX=/usr/local
# make clean, make help

PREFIX ?= /usr/local
CC ?= cc
SAN ?=
BUILD ?= build$(if $(SAN),/san)

CPPFLAGS += -D_GNU_SOURCE -include shared/banned.h
CFLAGS ?= -O2 -g
HARDEN = -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE -fno-strict-aliasing
WARN = -std=c11 -Wall -Wextra -Werror -Wformat=2 -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wpointer-arith -Wwrite-strings -Wvla -Wswitch
LIBS = -lfcgi -lcurl -ljson-c -lcrypto -lpthread
LDFLAGS += -pie -Wl,-z,relro,-z,now
ifdef SAN
HARDEN = -fsanitize=address,undefined -fno-sanitize-recover=undefined \
	-fno-omit-frame-pointer
LDFLAGS = -fsanitize=address,undefined
endif
COMPILE = $(CC) $(CPPFLAGS) $(WARN) $(HARDEN) $(CFLAGS) -MMD -MP

# A program is a file with a main; all other sources go into one library per
# folder, so a new file needs no line here.
MAINS = fcgi/chatmock.c
SHARED = $(wildcard shared/*.c)
FCGI = $(filter-out $(MAINS),$(wildcard fcgi/*.c fcgi/*/*.c))
UNIT = $(wildcard tests/unit/test_*.c)
TOOLS = $(wildcard tests/tools/*.c)

obj = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
BIN = $(BUILD)/bin
PROGRAMS = $(BIN)/chatmock.fcgi $(BIN)/chatmock-demo-upstream
UNIT_BIN = $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(UNIT))

all: $(PROGRAMS)
.PHONY: all

$(BIN)/chatmock.fcgi: $(call obj,fcgi/chatmock.c) $(BUILD)/libfcgi.a $(BUILD)/libshared.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(LIBS)

$(BIN)/chatmock-demo-upstream: $(call obj,$(TOOLS)) $(BUILD)/libshared.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/libshared.a: $(call obj,$(SHARED))
	@rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/libfcgi.a: $(call obj,$(FCGI))
	@rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/unit/%: $(BUILD)/obj/tests/unit/%.o $(BUILD)/libfcgi.a $(BUILD)/libshared.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(COMPILE) -c -o $@ $<

unit: $(UNIT_BIN)
	@for t in $^; do $$t || exit 1; done
.PHONY: unit

clean:
	rm -rf build
.PHONY: clean

-include $(wildcard $(BUILD)/obj/*/*.d $(BUILD)/obj/*/*/*.d)
