//! Findings compared with the labels of generated telemetry.

use std::collections::BTreeSet;

use countersign_generate::{HowMany, Label};

/// A finding: the rule's name and the event's id.
type LabelledFinding<'a> = (&'a str, &'a str);

/// All labels with the findings on each.
pub(super) struct Score<'a> {
    verdicts: Vec<Verdict<'a>>,
    /// Findings on events that no label has.
    pub(super) elsewhere: Vec<LabelledFinding<'a>>,
}

/// A label with the findings on it.
pub(super) struct Verdict<'a> {
    /// The label.
    pub(super) label: &'a Label,
    /// Findings on its events.
    found: BTreeSet<LabelledFinding<'a>>,
    /// Rules that should have found more of it.
    missed: BTreeSet<&'static str>,
    /// Findings on its events, if it is benign, by rules that it doesn't tolerate.
    pub(super) disturbed: Vec<LabelledFinding<'a>>,
}

impl<'a> Score<'a> {
    /// The score of findings.
    pub(super) fn new(labels: &'a [Label], found: impl IntoIterator<Item = LabelledFinding<'a>>) -> Score<'a> {
        let all: BTreeSet<LabelledFinding<'a>> = found.into_iter().collect();
        let verdicts: Vec<Verdict<'a>> = labels.iter().map(|label| Verdict::new(label, &all)).collect();
        let elsewhere = all.iter().filter(|found| !verdicts.iter().any(|verdict| verdict.found.contains(found)));
        let elsewhere = elsewhere.copied().collect();
        Score { verdicts, elsewhere }
    }

    /// The attacks.
    pub(super) fn attacks(&self) -> impl Iterator<Item = &Verdict<'a>> {
        self.verdicts.iter().filter(|verdict| verdict.label.attack)
    }

    /// The benign bursts.
    pub(super) fn bursts(&self) -> impl Iterator<Item = &Verdict<'a>> {
        self.verdicts.iter().filter(|verdict| !verdict.label.attack)
    }

    /// The events that labels have.
    pub(super) fn labelled(&self) -> u64 {
        self.verdicts.iter().map(|verdict| verdict.label.events.len() as u64).sum()
    }

    /// Whether every attack was found, and nothing else.
    pub(super) fn holds(&self) -> bool {
        self.elsewhere.is_empty() && self.verdicts.iter().all(Verdict::holds)
    }
}

impl<'a> Verdict<'a> {
    fn new(label: &'a Label, all: &BTreeSet<LabelledFinding<'a>>) -> Verdict<'a> {
        let events: BTreeSet<&str> = label.events.iter().map(String::as_str).collect();
        let found: BTreeSet<LabelledFinding<'a>> =
            all.iter().filter(|(_, event)| events.contains(event)).copied().collect();
        let missed = label.expected.iter().filter(|expected| {
            let mut hits = expected.events.iter().map(|event| found.contains(&(expected.rule, event.as_str())));
            match expected.how_many {
                HowMany::Each => !hits.all(|hit| hit),
                HowMany::AtLeastOne => !hits.any(|hit| hit),
            }
        });
        let missed = missed.map(|expected| expected.rule).collect();
        let disturbed = found.iter().filter(|(rule, _)| !label.attack && !label.tolerated.contains(rule));
        Verdict { label, missed, disturbed: disturbed.copied().collect(), found }
    }

    /// Whether an attack was found, or a burst without findings but tolerated ones.
    pub(super) fn holds(&self) -> bool {
        self.missed.is_empty() && self.disturbed.is_empty()
    }

    /// The rules with findings on it, and how many.
    pub(super) fn found_by(&self) -> String {
        let rules: BTreeSet<&str> = self.found.iter().map(|(rule, _)| *rule).collect();
        let counted = rules.into_iter().map(|rule| {
            let times = self.found.iter().filter(|(by, _)| *by == rule).count();
            if times == 1 { rule.to_owned() } else { format!("{rule} ({times} times)") }
        });
        counted.collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use countersign_generate::Expected;
    use countersign_model::Account;

    use super::*;

    fn label(attack: bool, expected: Vec<Expected>, tolerated: Vec<&'static str>) -> Label {
        let events = ["a", "b", "c"].map(str::to_owned).to_vec();
        Label { name: "label", attack, account: Account::new("aws", "1", "2"), events, expected, tolerated }
    }

    fn expected(how_many: HowMany) -> Expected {
        Expected { rule: "rule", events: vec!["a".to_owned(), "b".to_owned()], how_many }
    }

    #[test]
    fn an_attack_is_found_when_each_or_one_of_its_events_is() {
        for (how_many, found, holds) in [
            (HowMany::Each, vec![("rule", "a"), ("rule", "b")], true),
            (HowMany::Each, vec![("rule", "a")], false),
            (HowMany::Each, vec![("rule", "a"), ("other", "b")], false),
            (HowMany::AtLeastOne, vec![("rule", "b")], true),
            (HowMany::AtLeastOne, vec![("rule", "c")], false),
            (HowMany::AtLeastOne, vec![], false),
        ] {
            let labels = [label(true, vec![expected(how_many)], vec![])];
            let score = Score::new(&labels, found.clone());
            assert_eq!(score.attacks().all(Verdict::holds), holds, "{how_many:?} {found:?}");
            assert_eq!(score.holds(), holds);
        }
    }

    #[test]
    fn a_burst_is_quiet_but_for_what_it_tolerates() {
        let labels = [label(false, vec![], vec!["rule"])];
        assert!(Score::new(&labels, [("rule", "a")]).holds());
        let score = Score::new(&labels, [("other", "a")]);
        assert_eq!(score.bursts().map(|burst| burst.disturbed.len()).collect::<Vec<_>>(), [1]);
        assert!(!score.holds());
    }

    #[test]
    fn a_finding_on_ordinary_work_is_counted() {
        let labels = [label(true, vec![], vec![])];
        let score = Score::new(&labels, [("rule", "z"), ("rule", "a")]);
        assert_eq!(score.elsewhere, [("rule", "z")]);
        assert!(!score.holds());
    }
}
