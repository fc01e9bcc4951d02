//! What Prometheus reads, and that whatever names a metric names one that there is.

use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, Instant};

use crate::Limits;
use crate::support::{LONG, Served};

/// What `/metrics` answers.
fn scrape(served: &Served) -> String {
    let (status, answer) = served.ask("GET /metrics", "", b"");
    assert_eq!(status, 200, "{answer}");
    answer
}

/// Names of families.
fn families(text: &str) -> BTreeSet<String> {
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    types.filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

/// Names of metrics in any text.
fn names(text: &str) -> BTreeSet<String> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = text.split(|c| !is_name(c)).filter(|word| word.starts_with("countersign_"));
    words.map(str::to_owned).collect()
}

/// The name of the family of a sample.
fn family(name: &str, known: &BTreeSet<String>) -> String {
    let parts = ["_bucket", "_sum", "_count"];
    let stripped = parts.iter().filter_map(|part| name.strip_suffix(part)).find(|name| known.contains(*name));
    stripped.unwrap_or(name).to_owned()
}

fn page(name: &str) -> String {
    fs::read_to_string(format!("{}/../../docs/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// A host that has recorded and judged something.
fn busy() -> Served {
    let served = Served::start(Limits::default());
    let (status, answer) = served.ask("POST /v1/sources/trail/events", "", b"{}\nnonsense\n");
    assert_eq!(status, 202, "{answer}");
    assert!(served.host.wait_judged(LONG));
    served
}

#[test]
fn each_line_is_a_sample_of_a_family_with_help_and_type() {
    let served = busy();
    let answer = scrape(&served);
    assert!(answer.contains("content-type: text/plain; version=0.0.4"), "{answer}");
    let body = answer.split_once("\r\n\r\n").unwrap().1;
    let known = families(body);
    for line in body.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').unwrap();
        value.parse::<f64>().unwrap_or_else(|error| panic!("{line}: {error}"));
        let name = name.split('{').next().unwrap();
        assert!(known.contains(&family(name, &known)), "{line}");
    }
    for name in &known {
        assert_eq!(body.matches(&format!("# HELP {name} ")).count(), 1, "{name}");
        let counts = body.contains(&format!("# TYPE {name} counter\n"));
        assert_eq!(counts, name.ends_with("_total"), "{name}");
    }
}

#[test]
fn what_was_done_is_counted() {
    let served = busy();
    let began = Instant::now();
    let expected = [
        "countersign_recorded_records_total{source=\"trail\"} 2",
        "countersign_judged_records_total{source=\"trail\"} 2",
        "countersign_dead_letters_total{source=\"trail\"} 2",
        "countersign_durable_seconds_count 2",
        "countersign_batch_records_count 1",
        "countersign_generation 1",
        "countersign_files_differ 0",
        "countersign_source_unwell{source=\"trail\",ailment=\"silent\"} 0",
        "countersign_judging_stopped 0",
        "countersign_alarms{alarm=\"judging-stopped\"} 0",
        "countersign_http_requests_total{route=\"/v1/sources/{name}/events\",method=\"POST\",code=\"202\"} 1",
    ];
    loop {
        let answer = scrape(&served);
        let missing: Vec<&&str> = expected.iter().filter(|line| !answer.contains(&format!("\n{line}\n"))).collect();
        if missing.is_empty() {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "{missing:?} in {answer}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn nothing_that_a_caller_writes_makes_a_series() {
    let served = Served::start(Limits::default());
    for place in 0..20 {
        served.ask(&format!("GET /none-{place}?x={place}"), "", b"");
        served.ask(&format!("POST /v1/sources/none-{place}/events"), "", b"{}");
        served.ask(&format!("METHOD{place} /v1/status"), "", b"");
    }
    let answer = scrape(&served);
    assert!(!answer.contains("none-") && !answer.contains("METHOD"), "{answer}");
    assert!(answer.matches("countersign_http_requests_total{").count() <= 4, "{answer}");
}

#[test]
fn every_metric_that_is_named_somewhere_is_given() {
    let served = busy();
    let known = families(&scrape(&served));
    for name in ["monitoring/grafana.json", "monitoring/alerts.yaml", "guides/monitoring.md"] {
        let named: BTreeSet<String> = names(&page(name)).iter().map(|name| family(name, &known)).collect();
        let unknown: Vec<&String> = named.difference(&known).collect();
        assert!(unknown.is_empty() && !named.is_empty(), "{name} names {unknown:?}");
    }
    let told = names(&page("guides/monitoring.md"));
    let untold: Vec<&String> = known.difference(&told).collect();
    assert!(untold.is_empty(), "docs/guides/monitoring.md doesn't have {untold:?}");
}

#[test]
fn every_alarm_is_told_of() {
    let guide = page("guides/monitoring.md");
    for kind in countersign_daemon::AlarmKind::ALL {
        assert!(guide.contains(&format!("| `{}` |", kind.id())), "{kind}");
    }
}
