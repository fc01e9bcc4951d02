//! Of two lines the weaker stays in each respect.

use std::collections::BTreeMap;

use super::*;
use crate::vocabulary::ActionClass;

fn fed(rule: &str, confidence: u8) -> Line {
    Line { fed_by: BTreeMap::from([(rule.parse().unwrap(), confidence)]), ..Line::STRONGEST }
}

#[test]
fn of_each_respect_the_weaker_one_stays_in_either_order() {
    let limited = Binding { highest_class: ActionClass::Observe, ..Binding::BOUND };
    let lines = [
        Line::STRONGEST,
        Line { evidence_role: EvidenceRole::MerelyNames, ..Line::STRONGEST },
        Line { unproved: true, ..Line::STRONGEST },
        Line { context: ContextState::Missing, ..Line::STRONGEST },
        Line { binding: Binding::NOT_BOUND, ..Line::STRONGEST },
        Line { binding: limited, ..Line::STRONGEST },
        fed("acme/one", 40),
        fed("acme/one", 70),
        fed("acme/two", 50),
    ];
    for one in &lines {
        for other in &lines {
            let (mut forth, mut back) = (one.clone(), other.clone());
            forth.weaken(other);
            back.weaken(one);
            assert_eq!(forth, back);
            assert!(forth.unproved >= one.unproved);
            assert!(forth.evidence_role <= one.evidence_role && forth.context >= one.context);
            assert!(forth.binding.bound <= one.binding.bound);
            assert!(forth.binding.highest_class <= one.binding.highest_class);
            for (rule, confidence) in &one.fed_by {
                assert!(forth.fed_by[rule] <= *confidence);
            }
            let again = forth.clone();
            forth.weaken(other);
            assert_eq!(forth, again, "a line taken in twice changes nothing more");
        }
    }
}

#[test]
fn a_line_reads_back() {
    let mut line = fed("acme/one", 40);
    line.weaken(&Line { binding: Binding::NOT_BOUND, context: ContextState::Missing, ..Line::STRONGEST });
    let text = serde_json::to_string(&line).unwrap();
    assert_eq!(serde_json::from_str::<Line>(&text).unwrap(), line);
}
