//! Which lines stand at a place of a log: without them what follows can't be read again.

use std::collections::BTreeMap;

use countersign_model::{Digest, HeldRows, RuleId, SourceId};

use crate::record::{Generation, Record};

/// The numbers of the lines that stand where records were followed up to.
#[derive(Clone, Debug, Default)]
pub struct StandingLines {
    header: Option<u64>,
    generation: Option<u64>,
    /// The code of the rules that serve.
    codes: BTreeMap<RuleId, Digest>,
    components: Vec<u64>,
    /// Rules that aren't called about findings in rows of a source, with the code that missed the deadline.
    stopped: BTreeMap<(RuleId, Option<SourceId>), (u64, Digest)>,
    /// Sources that aren't well: what rests on one is decided otherwise.
    unwell: BTreeMap<SourceId, u64>,
}

impl StandingLines {
    /// Takes in the record of a number. Lines that stand at a place can be taken in as they are listed.
    pub fn follow(&mut self, seq: u64, record: &Record) {
        match record {
            Record::Header(_) => self.header = Some(seq),
            Record::Generation(Generation { rules, .. }) => {
                self.generation = Some(seq);
                self.components.clear();
                self.codes = rules.iter().map(|rule| (rule.identity.id.clone(), rule.identity.code)).collect();
                let codes = &self.codes;
                // Other code is called again.
                self.stopped.retain(|(rule, _), (_, code)| codes.get(rule).is_none_or(|known| known == code));
            }
            Record::Component(_) => self.components.push(seq),
            Record::RuleStopped(stopped) => {
                if let Some(code) = self.codes.get(&stopped.rule) {
                    self.stopped.insert((stopped.rule.clone(), stopped.source.clone()), (seq, *code));
                }
            }
            Record::Readmitted(readmitted) if readmitted.rows == HeldRows::All => {
                self.stopped.remove(&(readmitted.rule.clone(), Some(readmitted.source.clone())));
            }
            Record::Source(stood) if stood.unwell.is_empty() => drop(self.unwell.remove(&stood.source)),
            Record::Source(stood) => drop(self.unwell.insert(stood.source.clone(), seq)),
            _ => {}
        }
    }

    /// Their numbers, in the order in which they are listed: the header, the generation, components, stopped rules,
    /// sources that aren't well.
    pub fn numbers(&self) -> impl Iterator<Item = u64> {
        let first = self.header.into_iter().chain(self.generation);
        first
            .chain(self.components.iter().copied())
            .chain(self.stopped.values().map(|(seq, _)| *seq))
            .chain(self.unwell.values().copied())
    }
}
