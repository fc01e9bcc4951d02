//! Asks child processes for verdicts: several rules in one process, each that a process ended at once more alone.

use std::path::Path;

use countersign_confine::{ChildLimit, ChildLimits, End, Request, converse};
use countersign_declaration::{Ceilings, Refusal, RefusalCode};
use countersign_model::Digest;

use crate::verdict::{MAX_VERDICT, Verdict};

/// The command of such a process.
const COMMAND: &str = "admit";

/// The kinds of frames, which `countersign admit --help` lists.
pub(crate) const CEILINGS: u8 = b'l';
pub(crate) const RULE: u8 = b'w';
pub(crate) const VERDICT: u8 = b'v';

/// Maximum bytes of the operator's limits.
pub(crate) const MAX_CEILINGS: u64 = 16 << 10;

/// Bytes of the largest rule that is read: its parts at their largest, and their framing.
#[must_use]
pub fn max_rule(ceilings: &Ceilings) -> u64 {
    [ceilings.component_bytes, ceilings.declaration_bytes, ceilings.data_bytes]
        .into_iter()
        .fold(1 << 20, |sum: u64, bytes| sum.saturating_add(bytes as u64))
}

/// A rule that needs a verdict.
#[derive(Clone, Copy)]
pub(crate) struct Unjudged<'b> {
    pub(crate) digest: Digest,
    pub(crate) bytes: &'b [u8],
}

/// What became of a rule, and whether it would again.
pub(crate) struct Outcome {
    pub(crate) verdict: Verdict,
    /// Whether the same bytes under the same limits always come to this.
    pub(crate) lasts: bool,
}

/// Has rules judged, in their order. A rule never changes another's verdict: where a process ends at one that wasn't its
/// first, that one is judged again alone, and those behind it by another process. So a rule costs at most twice its
/// limits.
pub(crate) fn judge(program: &Path, limits: &ChildLimits, ceilings: &Ceilings, rules: &[Unjudged<'_>]) -> Vec<Outcome> {
    let mut outcomes: Vec<Outcome> = Vec::with_capacity(rules.len());
    while let Some(rest) = rules.get(outcomes.len()..).filter(|rest| !rest.is_empty()) {
        let (verdicts, end) = ask(program, limits, ceilings, rest);
        let before = verdicts.len();
        outcomes.extend(verdicts.into_iter().map(|verdict| Outcome { verdict, lasts: true }));
        let (Some(at), Some(end)) = (rest.get(before), end) else { continue };
        outcomes.push(match before {
            0 => ended(limits, end),
            _ => match ask(program, limits, ceilings, &[*at]) {
                (alone, None) => match alone.into_iter().next() {
                    Some(verdict) => Outcome { verdict, lasts: true },
                    None => ended(limits, End::Failed("it gave no verdict".to_owned())),
                },
                (_, Some(end)) => ended(limits, end),
            },
        });
    }
    outcomes
}

/// Asks one process. Returns the verdicts of the first rules, and, if they aren't all, why there are no more.
fn ask(
    program: &Path,
    limits: &ChildLimits,
    ceilings: &Ceilings,
    rules: &[Unjudged<'_>],
) -> (Vec<Verdict>, Option<End>) {
    // Numbers are always JSON.
    let ceilings = serde_json::to_vec(ceilings).unwrap_or_default();
    let mut requests = vec![Request { kind: CEILINGS, bytes: &ceilings }];
    requests.extend(rules.iter().map(|rule| Request { kind: RULE, bytes: rule.bytes }));
    let mut verdicts = Vec::new();
    let mut is_broken = false;
    let end = converse(program, COMMAND, limits, &requests, (rules.len(), MAX_VERDICT), |reply| {
        let verdict = rules
            .get(verdicts.len())
            .filter(|_| !is_broken && reply.kind == VERDICT)
            .and_then(|rule| Verdict::read(&reply.bytes, rule.digest));
        match verdict {
            Some(verdict) => verdicts.push(verdict),
            // What follows a reply that isn't one isn't believed.
            None => is_broken = true,
        }
    });
    let end = match end {
        _ if is_broken => Some(End::Failed("expected a verdict on the rule, got something else".to_owned())),
        Ok(()) => None,
        Err(end) => Some(end),
    };
    (verdicts, end)
}

/// The refusal of a rule at which a process of its own ended.
fn ended(limits: &ChildLimits, end: End) -> Outcome {
    let (refusal, lasts) = match end {
        End::Limit(limit) => {
            let expected = format!("admission within the limit `{limit}` of {}", limits.value(limit));
            let hint = match limit {
                ChildLimit::Elapsed => "on a busy machine try again; otherwise a smaller or simpler component",
                _ => "a smaller or simpler component: fewer and smaller functions and types, nested less deeply",
            };
            let refusal = Refusal::new(RefusalCode::AdmissionLimit, "component", expected, "more");
            (refusal.with_hint(Some(hint.to_owned())), limit != ChildLimit::Elapsed)
        }
        End::Failed(why) => {
            let expected = "a verdict from the process that reads it";
            let refusal = Refusal::new(RefusalCode::AdmissionFailed, "component", expected, format!("none: {why}"));
            let hint = "unless the machine is short of memory, report the component";
            (refusal.with_hint(Some(hint.to_owned())), false)
        }
    };
    Outcome { verdict: Verdict::Refused(vec![refusal]), lasts }
}
