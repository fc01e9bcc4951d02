//! A configuration's values as they are shown: key, value, origin.

use std::path::{Path, PathBuf};

use countersign_model::size::format_size;
use countersign_model::time::format_duration;
use serde_json::{Value, json};

use crate::configuration::Configuration;
use crate::key::{Key, keys};
use crate::origin::{Origin, Setting};
use crate::secret::Secret;

/// A value as it is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// Its key.
    pub key: Key,
    /// The value as the file would have it: sizes and durations are text. Null where there is none; what holds then is the
    /// key's `unset`. Of a secret the file that it is in, never itself.
    pub value: Value,
    /// Where it comes from.
    pub origin: Origin,
}

impl Configuration {
    /// Every key with its value, in the order of the file.
    #[must_use]
    pub fn shown(&self) -> Vec<Shown> {
        keys()
            .into_iter()
            .filter_map(|key| self.shown_value(&key).map(|(value, origin)| Shown { key, value, origin }))
            .collect()
    }

    /// The value of a key; tests show that none is missing.
    fn shown_value(&self, key: &Key) -> Option<(Value, Origin)> {
        let Configuration { state, files, recorder, judge, sources, audit, api, reload, log } = self;
        Some(match (key.table, key.name) {
            ("", "state") => shown(state, |folder| path(folder)),
            ("files", "rules") => shown(&files.rules, |rules| paths(rules)),
            ("files", "shipped-rules") => shown(&files.shipped_rules, flag),
            ("files", "trust") => shown(&files.trust, optional_path),
            ("files", "policy") => shown(&files.policy, optional_path),
            ("files", "identities") => shown(&files.identities, optional_path),
            ("files", "sources") => shown(&files.sources, optional_path),
            ("files", "capabilities") => shown(&files.capabilities, optional_path),
            ("files", name) => {
                let (table, setting) = files.context.iter().find(|(table, _)| table.name == name)?;
                let first = |files: &Vec<PathBuf>| files.first().map_or(Value::Null, |file| path(file));
                let several = |files: &Vec<PathBuf>| if files.is_empty() { Value::Null } else { paths(files) };
                if table.repeatable { shown(setting, several) } else { shown(setting, first) }
            }
            ("recorder", "max-bytes") => shown(&recorder.max_bytes, |bytes| format_size(*bytes).into()),
            ("recorder", "keep") => shown(&recorder.keep, duration),
            ("judge", "workers") => shown(&judge.workers, |workers| json!(workers)),
            ("judge", "batch") => shown(&judge.batch, |batch| json!(batch)),
            ("judge", "max-gap") => shown(&judge.max_gap, duration),
            ("judge", "audit-key") => shown(&judge.audit_key, secret),
            ("sources", "lag") => shown(&sources.lag, duration),
            ("sources", "fall") => shown(&sources.fall, |percent| json!(percent)),
            ("sources", "fall-from") => shown(&sources.fall_from, |records| json!(records)),
            ("audit", "keep") => shown(&audit.keep, |keep| keep.as_ref().map_or(Value::Null, duration)),
            ("api", "socket") => shown(&api.socket, |socket| path(socket)),
            ("api", "listen") => shown(&api.listen, |listen| listen.map_or(Value::Null, |at| at.to_string().into())),
            ("api", "certificate") => shown(&api.certificate, optional_path),
            ("api", "key") => shown(&api.key, secret),
            ("reload", "watch") => shown(&reload.watch, flag),
            ("reload", "partial") => shown(&reload.partial, flag),
            ("reload", "trial") => shown(&reload.trial, duration),
            ("reload", "shadow") => shown(&reload.shadow, duration),
            ("reload", "rules") => shown(&reload.rules, |change| change.id().into()),
            ("reload", "policy") => shown(&reload.policy, |change| change.id().into()),
            ("reload", "identities") => shown(&reload.identities, |change| change.id().into()),
            ("reload", "trust") => shown(&reload.trust, |change| change.id().into()),
            ("reload", "sources") => shown(&reload.sources, |change| change.id().into()),
            ("reload", "lookups") => shown(&reload.lookups, |change| change.id().into()),
            ("log", "format") => shown(&log.format, |format| format.id().into()),
            ("log", "level") => shown(&log.level, |level| level.as_str().into()),
            _ => return None,
        })
    }
}

fn shown<T>(setting: &Setting<T>, value: impl Fn(&T) -> Value) -> (Value, Origin) {
    (value(&setting.value), setting.origin.clone())
}

fn path(path: &Path) -> Value {
    path.to_string_lossy().into()
}

fn paths(paths: &[PathBuf]) -> Value {
    paths.iter().map(|one| path(one)).collect()
}

fn optional_path(path: &Option<PathBuf>) -> Value {
    path.as_deref().map_or(Value::Null, self::path)
}

fn flag(flag: &bool) -> Value {
    (*flag).into()
}

fn duration(micros: &i64) -> Value {
    format_duration(*micros).into()
}

/// The file of a secret. A path at which there is none isn't shown: it may be the secret itself, in the wrong place.
fn secret(secret: &Option<Secret>) -> Value {
    match secret.as_ref().map(Secret::path) {
        None => Value::Null,
        Some(Some(path)) if Path::is_file(path) => path.to_string_lossy().into(),
        Some(Some(_)) => "(not shown: there is no such file)".into(),
        Some(None) => "(not shown)".into(),
    }
}
