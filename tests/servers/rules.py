"""What each alert of deploy/chatmock.rules.yml is tested with: series under
which it fires and, nearly the same, under which it does not. Values are in
promtool's notation, one a minute: "0+2x20" rises by 2, "1x5" stays.
"""
import re

OF = {"job": "chatmock", "instance": "g"}


def series(name, values, **labels):
    inside = ",".join(f'{k}="{v}"' for k, v in sorted({**OF, **labels}.items()))
    return {"series": f"{name}{{{inside}}}", "values": values}


def requests(bad, good, minutes):
    """So many a minute that end in a 502 and in a 200."""
    of = {"route": "/v1/chat/completions", "method": "POST", "tongue": "chat"}
    return [series("http_requests_total", f"0+{bad}x{minutes}", status="502", **of),
            series("http_requests_total", f"0+{good}x{minutes}", status="200", **of)]


def buckets(name, minutes, **per_minute):
    """le_5=90: 90 a minute took 5 s at most."""
    found = []
    for le, n in per_minute.items():
        le = "+Inf" if le == "le_inf" else le[3:].replace("_", ".")
        found.append(series(name + "_bucket", f"0+{n}x{minutes}", le=le,
                            tongue="chat"))
    return found


def restarts(values, reason="crash"):
    return [series("chatmock_worker_restarts_total", values, reason=reason)]


def machine(name, value, of, total):
    return [series(name, value, role="api", slot="0"), series(of, total)]


OWN, FIRST = "chatmock_own_duration_seconds", "chatmock_time_to_first_token_seconds"
MEMORY = ("process_resident_memory_bytes", "chatmock_machine_memory_bytes")
CPU = ("process_cpu_seconds_total", "chatmock_machine_cpus")
REFRESH = "chatmock_token_refresh_total"
USED, RESET = "chatmock_limit_used_percent", "chatmock_limit_reset_timestamp_seconds"
LAST_RUN, FAILURES = ("chatmock_fetch_last_run_timestamp_seconds",
                      "chatmock_fetch_failures_total")
PRIMARY = {"window": "primary"}
MODELS = {"task": "models"}
UPSTREAM = {"upstream": "https://up.example"}

# name: (minute at which it is looked at, its labels beside OF and severity,
#        series that make it fire, series that do not)
ALERTS = {
    "ChatMockDown": (5, None, [], [series("chatmock_build_info", "1x10")]),
    "ChatMockNoWorker": (
        3, {"state": "accepting"},
        [series("chatmock_workers", "0x5", state="accepting")],
        [series("chatmock_workers", "1x5", state="accepting"),
         series("chatmock_workers", "0x5", state="draining")]),
    "ChatMockWorkersMissing": (
        5, {}, [series("chatmock_workers", "1x9", state="silent")],
        [series("chatmock_workers", "1 0x9", state="silent")]),
    "ChatMockNoMaster": (5, {}, [series("chatmock_masters", "0x9")],
                         [series("chatmock_masters", "1x9")]),
    "ChatMockErrors": (10, {}, requests(2, 98, 20), requests(1, 199, 20)),
    "ChatMockErrorsSome": (20, {}, requests(7, 993, 30), requests(4, 996, 30)),
    "ChatMockBurnFast": (65, {}, requests(8, 92, 70), requests(7, 93, 70)),
    "ChatMockBurnMedium": (390, {}, requests(4, 96, 400), requests(2, 98, 400)),
    "ChatMockBurnSlow": (800, {}, requests(6, 994, 820), requests(4, 996, 820)),
    "ChatMockOwnTimeP99": (
        15, {}, buckets(OWN, 20, le_5_0=90, le_10_0=100, le_inf=100),
        buckets(OWN, 20, le_5_0=100, le_10_0=100, le_inf=100)),
    "ChatMockOwnTimeP95": (
        15, {}, buckets(OWN, 20, le_2_0=90, le_5_0=100, le_inf=100),
        buckets(OWN, 20, le_2_0=97, le_5_0=100, le_inf=100)),
    "ChatMockFirstTokenP99": (
        30, {}, buckets(FIRST, 40, le_5_0=90, le_7_5=100, le_inf=100),
        buckets(FIRST, 40, le_5_0=100, le_7_5=100, le_inf=100)),
    "ChatMockFirstTokenP95": (
        30, {}, buckets(FIRST, 40, le_2_5=90, le_5_0=100, le_inf=100),
        buckets(FIRST, 40, le_1_0=97, le_2_5=100, le_inf=100)),
    "ChatMockMemory": (10, {}, machine(MEMORY[0], "95x20", MEMORY[1], "100x20"),
                       machine(MEMORY[0], "89x20", MEMORY[1], "100x20")),
    "ChatMockCpu": (25, {}, machine(CPU[0], "0+100x30", CPU[1], "2x30"),
                    machine(CPU[0], "0+90x30", CPU[1], "2x30")),
    "ChatMockCrash": (7, {}, restarts("0x5 1x10"),
                      restarts("0x20") + restarts("0x5 9x10", "recycled")),
    "ChatMockCrashLoop": (10, {}, restarts("0+2x20"), restarts("0x6 2x10")),
    "ChatMockRestarts": (
        15, {}, [series("chatmock_master_starts_total", "1+1x20")],
        [series("chatmock_master_starts_total", "1x10 3x10")]),
    "ChatMockCircuitOpen": (
        5, UPSTREAM, [series("chatmock_circuit_state", "1x9", **UPSTREAM)],
        [series("chatmock_circuit_state", "1 0x9", **UPSTREAM)]),
    "ChatMockTruncated": (
        20, {}, [series("chatmock_stream_truncated_total", "0+6x30"),
                 *requests(0, 1000, 30)],
        [series("chatmock_stream_truncated_total", "0+4x30"),
         *requests(0, 1000, 30)]),
    "ChatMockLoginRenewal": (
        20, {}, [series(REFRESH, "0 1x40", result="failed")],
        [series(REFRESH, "0x40", result="failed"),
         series(REFRESH, "0+1x40", result="ok")]),
    "ChatMockLoginRunsOut": (
        40, {}, [series("chatmock_token_expiry_timestamp_seconds", "4000x60"),
                 series(REFRESH, "0+1x60", result="refused")],
        [series("chatmock_token_expiry_timestamp_seconds", "9000x60"),
         series(REFRESH, "0+1x60", result="refused")]),
    "ChatMockLimitNear": (
        5, PRIMARY, [series(USED, "91x9", **PRIMARY),
                     series(RESET, "99999x9", **PRIMARY)],
        [series(USED, "91x9", **PRIMARY), series(RESET, "200x9", **PRIMARY)]),
    "ChatMockLimitReached": (5, {}, [series("chatmock_limit_reached", "1x9")],
                             [series("chatmock_limit_reached", "0x9")]),
    "ChatMockPromptsStale": (
        3000, {}, [series("chatmock_prompt_fetch_timestamp_seconds", "1x3010")],
        [series("chatmock_prompt_fetch_timestamp_seconds", "0+30x3010")]),
    "ChatMockFetcherSilent": (90, {}, [series(LAST_RUN, "1x100", **MODELS)],
                              [series(LAST_RUN, "0+60x100", **MODELS)]),
    "ChatMockFetcherFails": (60, MODELS, [series(FAILURES, "0+1x100", **MODELS)],
                             [series(FAILURES, "0x50 1x50", **MODELS)]),
    "ChatMockLogDropped": (8, {}, [series("chatmock_log_dropped_total", "0x5 3x10")],
                           [series("chatmock_log_dropped_total", "3x20")]),
    "ChatMockMetricsUnreadable": (
        5, {}, [series("chatmock_metrics_file_readable", "0x9")],
        [series("chatmock_metrics_file_readable", "0x3 1x9")]),
    "ChatMockDiskFull": (10, {}, [series("chatmock_home_free_bytes", "99000000x20")],
                         [series("chatmock_home_free_bytes", "101000000x20")]),
}


def annotations(rules):
    """name: (severity, annotations), from the text."""
    with open(rules) as f:
        blocks = f.read().split("- alert: ")[1:]
    found = {}
    for block in blocks:
        name = block.split("\n")[0]
        severity = re.search(r"severity: (\w+)", block)[1]
        found[name] = severity, {
            "summary": re.search(r'summary: "(.*)"', block)[1],
            "runbook": re.search(r"runbook: (\S+)", block)[1]}
    return found


def rule_tests(rules):
    """(name, a file for `promtool test rules`) one after the other."""
    said = annotations(rules)
    for name, (minute, labels, fires, quiet) in ALERTS.items():
        severity, notes = said[name]
        of = {} if labels is None else {**OF, **labels}
        fired = [{"exp_labels": {**of, "severity": severity},
                  "exp_annotations": notes}]
        yield name, {
            "rule_files": [rules],
            # all rules are looked at each time: seldom over a long time
            "evaluation_interval": "1m" if minute < 100 else "3m",
            "tests": [{"interval": "1m", "input_series": given,
                       "alert_rule_test": [{"eval_time": f"{minute}m",
                                            "alertname": name,
                                            "exp_alerts": expected}]}
                      for given, expected in ((fires, fired), (quiet, []))]}
    yield "the names of older systems", recording_test(rules)


def recording_test(rules):
    given = requests(1, 2, 10) + [
        series("http_requests_total", "0+4x10", status="200", route="/v1/completions",
               method="POST", tongue="completion"),
        *buckets("http_request_duration_seconds", 10, le_1_0=1, le_inf=2),
        series("http_request_duration_seconds_sum", "0+3x10", tongue="chat"),
        series("http_request_duration_seconds_count", "0+2x10", tongue="chat"),
        series("http_request_duration_seconds_count", "0+5x10", tongue="ollama")]
    of = 'instance="g",job="chatmock",service_type="codex"'
    want = {
        'request_count{status_code="200"}':
            (f'request_count{{{of},status_code="200"}}', 60),
        'request_count{service_type="codex",status_code="502"}':
            (f'request_count{{{of},status_code="502"}}', 10),
        'request_duration_seconds_bucket{service_type="codex",le="1.0"}':
            (f'request_duration_seconds_bucket{{{of},le="1.0"}}', 10),
        'request_duration_seconds_sum': (f'request_duration_seconds_sum{{{of}}}', 30),
        'request_duration_seconds_count':
            (f'request_duration_seconds_count{{{of}}}', 70),
    }
    return {"rule_files": [rules], "evaluation_interval": "1m", "tests": [{
        "interval": "1m", "input_series": given, "promql_expr_test": [
            {"expr": expr, "eval_time": "10m",
             "exp_samples": [{"labels": labels, "value": value}]}
            for expr, (labels, value) in want.items()]}]}
