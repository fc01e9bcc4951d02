//! Why a rule isn't part of a generation.

use std::fmt;

use countersign_declaration::{Permissions, Refusal};
use countersign_document::FileDiagnostics;
use countersign_model::{Digest, RuleId};
use countersign_signing::Statement;
use countersign_text::line;

use crate::graph::SubscriptionFault;
use crate::proof::Unproved;

/// Why a rule isn't part of a generation. The others are.
#[derive(Clone, Debug)]
pub struct LoadFault {
    /// The rule's name.
    pub name: String,
    /// Why.
    pub reason: LoadReason,
}

/// Why a rule isn't part of a generation.
#[derive(Clone, Debug)]
pub enum LoadReason {
    /// Admission refused it.
    Refused(Vec<Refusal>),
    /// It isn't proved to be of the publisher that its id names.
    PublisherUnproved(RuleId, Unproved),
    /// Its publisher's declarations have to be listed, and its isn't.
    NotAccepted(Box<NotAccepted>),
    /// Its publisher isn't granted what it is or sees, a line each.
    NotGranted(RuleId, Vec<String>),
    /// The policy sets parameters that it doesn't have, or out of their ranges.
    Parameters(FileDiagnostics),
    /// It couldn't be compiled.
    Compile(String),
    /// Several proved rules have one id: all of them, each with its name.
    Duplicate(Vec<(String, Statement)>),
    /// Its subscriptions can't be served; every reason.
    Subscriptions(Vec<SubscriptionFault>),
}

/// A declaration that the operator hasn't accepted.
#[derive(Clone, Debug)]
pub struct NotAccepted {
    /// The rule.
    pub rule: RuleId,
    /// Its version.
    pub version: String,
    /// SHA-256 of its declaration section.
    pub declaration: Digest,
    /// What it permits.
    pub permissions: Permissions,
    /// What the declaration permits that was accepted before; none where that isn't known.
    pub earlier: Option<Permissions>,
}

impl fmt::Display for LoadFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", line(&self.name))?;
        match &self.reason {
            LoadReason::Refused(refusals) => {
                write!(f, "refused at admission")?;
                refusals.iter().try_for_each(|refusal| write!(f, "\n  {refusal}"))
            }
            LoadReason::PublisherUnproved(rule, why) => {
                let publisher = rule.publisher();
                write!(f, "publisher-unproved  `{rule}` isn't proved to be of publisher `{publisher}`: {why}")
            }
            LoadReason::NotAccepted(refused) => refused.fmt(f),
            LoadReason::NotGranted(rule, what) => {
                write!(f, "not-granted  publisher `{}` isn't granted what `{rule}` is or sees", rule.publisher())?;
                what.iter().try_for_each(|line| write!(f, "\n  {line}"))
            }
            LoadReason::Parameters(faults) => {
                write!(f, "the policy's parameters don't fit")?;
                faults.lines().try_for_each(|line| write!(f, "\n  {line}"))
            }
            LoadReason::Compile(reason) => f.write_str(&line(reason)),
            LoadReason::Duplicate(all) => {
                write!(f, "duplicate-rule  {} rules have one id, and none of them is loaded", all.len())?;
                all.iter().try_for_each(|(name, statement)| {
                    let Statement { rule, version, code, declaration, data } = statement;
                    write!(f, "\n  `{rule}` {version} in {}: code {code}, declaration {declaration}", line(name))?;
                    data.iter().try_for_each(|data| write!(f, ", data {data}"))
                })
            }
            LoadReason::Subscriptions(faults) => {
                write!(f, "what it subscribes to can't be served")?;
                faults.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
            }
        }
    }
}

impl fmt::Display for NotAccepted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let NotAccepted { rule, version, declaration, permissions, earlier } = self;
        write!(f, "not-accepted  `trust.toml` doesn't list the declaration of `{rule}` {version}")?;
        match earlier.as_ref().map(|earlier| permissions.difference(earlier)) {
            None => {}
            Some(lines) if lines.is_empty() => {
                write!(f, "; it permits the same as the one accepted before, and differs otherwise")?;
            }
            Some(lines) => {
                write!(f, "; it differs from the one accepted before by")?;
                lines.iter().try_for_each(|line| write!(f, "\n  {line}"))?;
            }
        }
        write!(f, "\n  to accept it, add to `trust.toml`:\n  [[accepted]]\n  rule = \"{rule}\"")?;
        write!(f, "\n  declaration = \"{declaration}\"\n  permits = {permissions}")
    }
}
