//! A replay of what a host has recorded.

use std::path::PathBuf;

use anyhow::{Result, anyhow};
use countersign_daemon::{Again, AgainError, Role, Since};
use countersign_session::SessionOptions;

use crate::exit::{Exit, unusable};
use crate::files;
use crate::recorded::RecordedArguments;
use crate::run::ENGINE_MEMORY;
use crate::stderr;

use super::kept::Kept;
use super::{Arguments, Ended, Judge, Prepared};

impl Arguments {
    /// A replay of what a host has recorded, with the files that are given or the generations on record.
    pub(super) fn prepare_recorded(&self) -> Result<Prepared<'static>> {
        if self.source.named().is_some() {
            return Err(unusable("expected files with `--source`, got `--recorded`: a recorder knows its sources"));
        }
        let configuration = self.recorded.configuration()?;
        let key = match &self.audit_key {
            Some(path) => files::audit_key(Some(path))?,
            None => configuration.judge.read_audit_key().map_err(unusable)?,
        };
        let max_gap = self.max_gap.unwrap_or(configuration.judge.max_gap.value);
        let options = SessionOptions { max_gap, key, ..self.options()? };
        Kept::check(self.audit.as_deref(), self.replace)?;
        let engine = self.loading.engine(options.workers, ENGINE_MEMORY)?;
        let recorder = RecordedArguments::recorder(&configuration);
        let mut again = Again::open(&recorder, engine, self.recorded.since_or(Since::First)).map_err(unusable)?;
        let mut exit = Exit::Done;
        let (shipped_rules, paths) = self.given();
        if shipped_rules.is_some() || !paths.is_empty() {
            let left_out = again.judge_with(shipped_rules, &paths).map_err(|faults| unusable(faults.join("\n  ")))?;
            exit = Exit::unless(!left_out.is_empty());
            left_out.iter().for_each(stderr::error);
        }
        if again.begins_late().map_err(unusable)? {
            stderr::note("earlier records are left out or were dropped: it begins from empty state");
        }
        let names = again.names().map_err(unusable)?;
        let judge: Judge<'static> = Box::new(move |store, options, observer| {
            again.judge(store, options, observer).map_err(|error| match error {
                AgainError::Session(error) => Ended::Session(error),
                error => Ended::Inputs(anyhow!(error)),
            })
        });
        Ok(Prepared { options, names, exit, judge })
    }

    /// The files that are given, and whether the shipped rules run beside those of `--rules`, if that is said.
    fn given(&self) -> (Option<bool>, Vec<(Role, PathBuf)>) {
        let single = [
            (Role::Trust, self.trust.as_deref()),
            (Role::Policy, self.policy.as_deref()),
            (Role::Identities, self.identities.as_deref()),
            (Role::Sources, self.source.file()),
            (Role::Capabilities, self.capabilities.as_deref()),
        ];
        let single = single.into_iter().filter_map(|(role, path)| Some((role, path?.to_owned())));
        let tables = self.context.files_by_table().map(|(table, path)| (Role::Context(table), path.to_owned()));
        let (shipped_rules, rules) = self.rules.folders();
        let rules = rules.map(|path| (Role::Rule, path.to_owned()));
        (shipped_rules, rules.chain(single).chain(tables).collect())
    }
}
