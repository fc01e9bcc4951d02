//! The text that Prometheus reads.

use std::time::Duration;

use super::*;
use crate::metrics::histogram::Histogram;

#[test]
fn every_family_has_its_head_and_members() {
    let mut metrics = Metrics::default();
    metrics.counters("a_total", "Of a.", [(vec![("source", "x\"\\\ny")], 2.0), (vec![("source", "z")], 0.5)]);
    metrics.gauge("b_bytes", "Of b.", 1e12);
    metrics.summary("c_seconds", "Of c.", 3, 0.25);
    assert_eq!(
        metrics.into_text(),
        "# HELP countersign_a_total Of a.\n# TYPE countersign_a_total counter\n\
         countersign_a_total{source=\"x\\\"\\\\\\ny\"} 2\ncountersign_a_total{source=\"z\"} 0.5\n\
         # HELP countersign_b_bytes Of b.\n# TYPE countersign_b_bytes gauge\ncountersign_b_bytes 1000000000000\n\
         # HELP countersign_c_seconds Of c.\n# TYPE countersign_c_seconds summary\n\
         countersign_c_seconds_sum 0.25\ncountersign_c_seconds_count 3\n"
    );
}

#[test]
fn a_histogram_counts_up_to_each_bound() {
    const BOUNDS: &[f64] = &[0.5, 1.0];
    let histogram = Histogram::new(BOUNDS);
    histogram.count(Duration::from_millis(500), 2);
    histogram.count(Duration::from_millis(750), 1);
    histogram.count(Duration::from_secs(9), 1);
    let mut metrics = Metrics::default();
    metrics.histograms("h_seconds", "Of h.", [(vec![("route", "/r")], histogram.counted())]);
    assert_eq!(
        metrics.into_text(),
        "# HELP countersign_h_seconds Of h.\n# TYPE countersign_h_seconds histogram\n\
         countersign_h_seconds_bucket{route=\"/r\",le=\"0.5\"} 2\n\
         countersign_h_seconds_bucket{route=\"/r\",le=\"1\"} 3\n\
         countersign_h_seconds_bucket{route=\"/r\",le=\"+Inf\"} 4\n\
         countersign_h_seconds_sum{route=\"/r\"} 10.75\ncountersign_h_seconds_count{route=\"/r\"} 4\n"
    );
}
