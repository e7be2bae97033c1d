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
LIBS = -lfcgi -lcurl -ljson-c -lsqlite3 -lcrypto -lz -lzstd -lpthread $(WS_LIBS)
WS_LIBS = -lwslay -lhttp_parser
LDFLAGS += -pie -Wl,-z,relro,-z,now
ifdef SAN
HARDEN = -fsanitize=address,undefined -fno-sanitize-recover=undefined \
	-fno-omit-frame-pointer
LDFLAGS = -fsanitize=address,undefined
endif
COMPILE = $(CC) $(CPPFLAGS) $(WARN) $(HARDEN) $(CFLAGS) -MMD -MP

# A program is a file with a main; all other sources go into one library per
# folder, so a new file needs no line here.
MAINS = fcgi/chatmock.c fcgi/health.c cache/fetch.c deploy/cli/main.c
SHARED = $(wildcard shared/*.c)
FCGI = $(filter-out $(MAINS),$(wildcard fcgi/*.c fcgi/*/*.c))
CACHE = $(filter-out $(MAINS),$(wildcard cache/*.c))
CLI = $(filter-out $(MAINS),$(wildcard deploy/cli/*.c deploy/keep/*.c))
UNIT = $(wildcard tests/unit/test_*.c)
TOOLS = $(wildcard tests/tools/*.c)
LOAD = $(wildcard tests/bench/load*.c)
BENCH = $(wildcard tests/bench/bench_*.c)
FUZZ = $(wildcard tests/fuzz/fuzz_*.c)
FUZZ_SECONDS ?= 60

obj = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
BIN = $(BUILD)/bin
PROGRAMS = $(BIN)/chatmock.fcgi $(BIN)/health.fcgi $(BIN)/chatmock-fetch $(BIN)/chatmock-check \
	$(BIN)/chatmock-demo-upstream $(BIN)/chatmock
PAGES = $(patsubst deploy/man/%.in,$(BUILD)/man/%,$(wildcard deploy/man/*.in))
UNIT_BIN = $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(UNIT))
BENCH_BIN = $(BUILD)/bench/load $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(BENCH))
FUZZ_BIN = $(patsubst tests/fuzz/%.c,$(BUILD)/target/%,$(FUZZ))

all: $(PROGRAMS) $(PAGES)
tests-build: $(UNIT_BIN) $(BENCH_BIN)
objects: $(call obj,$(MAINS) $(SHARED) $(FCGI) $(CACHE) $(CLI) $(UNIT) $(TOOLS) $(LOAD) $(BENCH) $(FUZZ))
.PHONY: all tests-build objects
.SECONDARY:

$(BIN)/chatmock.fcgi: $(call obj,fcgi/chatmock.c) $(BUILD)/libfcgi.a $(BUILD)/libshared.a
	@mkdir -p $(@D)
	@echo "  LD  $@"
	@$(CC) $(LDFLAGS) -o $@ $^ $(LIBS)

# It calls nobody: no libcurl
$(BIN)/health.fcgi: $(call obj,fcgi/health.c) $(BUILD)/libfcgi.a $(BUILD)/libshared.a
	@mkdir -p $(@D)
	@echo "  LD  $@"
	@$(CC) $(LDFLAGS) -o $@ $^ $(filter-out -lcurl $(WS_LIBS),$(LIBS))

$(BIN)/chatmock-fetch: $(call obj,cache/fetch.c $(CACHE)) $(BUILD)/libshared.a
	@mkdir -p $(@D)
	@echo "  LD  $@"
	@$(CC) $(LDFLAGS) -o $@ $^ $(filter-out -lfcgi $(WS_LIBS),$(LIBS))

$(BIN)/chatmock-demo-upstream: $(call obj,$(TOOLS)) $(BUILD)/libshared.a
	@mkdir -p $(@D)
	@echo "  LD  $@"
	@$(CC) $(LDFLAGS) -o $@ $^ $(filter-out $(WS_LIBS),$(LIBS))

# libmicrohttpd: the port to which the browser comes back when it signed in
$(BIN)/chatmock: $(call obj,deploy/cli/main.c $(CLI)) $(BUILD)/libshared.a
	@mkdir -p $(@D)
	@echo "  LD  $@"
	@$(CC) $(LDFLAGS) -o $@ $^ $(filter-out -lfcgi,$(LIBS)) -lmicrohttpd

# Their tables are the programs' own
$(BUILD)/man/%: deploy/man/%.in deploy/man/make.sh $(BIN)/chatmock $(BIN)/chatmock-fetch
	@mkdir -p $(@D)
	@deploy/man/make.sh $(BIN) $< >$@.new && mv $@.new $@

# the same program: it goes by its name
$(BIN)/chatmock-check: $(BIN)/chatmock.fcgi
	@ln -sf chatmock.fcgi $@

$(BUILD)/libshared.a: $(call obj,$(SHARED))
	@rm -f $@
	@$(AR) rcs $@ $^

$(BUILD)/libfcgi.a: $(call obj,$(FCGI))
	@rm -f $@
	@$(AR) rcs $@ $^

$(BUILD)/unit/%: $(BUILD)/obj/tests/unit/%.o $(BUILD)/libfcgi.a $(BUILD)/libshared.a
	@mkdir -p $(@D)
	@echo "  LD  $@"
	@$(CC) $(LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC  $<"
	@$(COMPILE) -c -o $@ $<

$(BUILD)/bench/load: $(call obj,$(LOAD)) $(BUILD)/libshared.a
	@mkdir -p $(@D)
	@echo "  LD  $@"
	@$(CC) $(LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/bench/%: $(BUILD)/obj/tests/bench/%.o $(BUILD)/libfcgi.a $(BUILD)/libshared.a
	@mkdir -p $(@D)
	@echo "  LD  $@"
	@$(CC) $(LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/target/%: $(BUILD)/obj/tests/fuzz/%.o $(BUILD)/libfcgi.a $(BUILD)/libshared.a
	@mkdir -p $(@D)
	@echo "  LD  $@"
	@$(CC) $(LDFLAGS) -o $@ $^ $(LIBS)

unit: $(UNIT_BIN)
	@bad=0; for t in $^; do $$t || bad=1; done; exit $$bad

test:
	@deploy/deps.sh test
	@tests/run.py

bench:
	@deploy/deps.sh test
	@$(MAKE) --no-print-directory all $(BENCH_BIN)
	@python3 tests/bench/bench.py

# libFuzzer is clang's; its objects are its own
fuzz:
	@$(MAKE) --no-print-directory CC=clang-14 BUILD=build/fuzz fuzz-run \
		HARDEN='-fsanitize=fuzzer-no-link,address,undefined' \
		LDFLAGS='-fsanitize=fuzzer,address,undefined'
fuzz-run: $(FUZZ_BIN)
	@tests/fuzz/run.sh $(FUZZ_SECONDS) $^

run:
	@deploy/deps.sh build run
	@$(MAKE) --no-print-directory all
	@exec $(BIN)/chatmock start --try

# the programs find the samples from where they lie
LIB = $(DESTDIR)$(PREFIX)/lib/chatmock
DATA = $(DESTDIR)$(PREFIX)/share
SHARE = $(DATA)/chatmock
MANDIR = $(DATA)/man
# as the scripts of earlier gateways were called
LINKS = start stop restart status logs update
install: all
	install -d $(LIB) $(SHARE)/deploy
	install -m 755 $(PROGRAMS) $(LIB)
	install -d $(DESTDIR)$(PREFIX)/bin
	ln -sf ../lib/chatmock/chatmock ../lib/chatmock/chatmock-fetch \
		$(DESTDIR)$(PREFIX)/bin
	cd $(DESTDIR)$(PREFIX)/bin && for name in $(LINKS); do \
		ln -sf ../lib/chatmock/chatmock chatmock-$$name; done
	for page in $(PAGES); do install -D -m 644 $$page \
		$(MANDIR)/man$${page##*.}/$${page##*/}; done
	install -D -m 644 deploy/chatmock.aliases.sh $(SHARE)/chatmock.aliases.sh
	install -d $(DATA)/bash-completion/completions $(DATA)/zsh/site-functions \
		$(DATA)/fish/vendor_completions.d
	$(BIN)/chatmock completion bash >$(DATA)/bash-completion/completions/chatmock
	$(BIN)/chatmock completion zsh >$(DATA)/zsh/site-functions/_chatmock
	$(BIN)/chatmock completion fish >$(DATA)/fish/vendor_completions.d/chatmock.fish
	install -m 644 lighttpd.conf.sample README.md LICENSE $(SHARE)
	install -m 755 deploy/deps.sh $(SHARE)/deploy
	install -m 644 deploy/*.sample deploy/*.yml $(SHARE)/deploy

help:
	@sed -n '/^#/!q; s/^# \{0,1\}//p' Makefile
.PHONY: unit test bench fuzz fuzz-run run install help

clean:
	rm -rf build
.PHONY: clean

export SAN
-include $(wildcard $(BUILD)/obj/*/*.d $(BUILD)/obj/*/*/*.d)
