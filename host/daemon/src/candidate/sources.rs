//! Sources: whom each speaks for, what it may lead to, and how its records come.

use countersign_inputs::{Source, Sources, Transport};
use countersign_model::SourceId;
use countersign_model::time::format_duration;

use super::item::{Aspect, ChangeKind, Items, lists};

const SOURCE: (ChangeKind, Aspect) = (ChangeKind::Sources, Aspect::Source);

pub(super) fn compare(before: &Sources, after: &Sources, items: &mut Items) {
    for was in before.iter() {
        match after.named(was.name()) {
            // What it would tell isn't judged any more.
            None => items.add(SOURCE, was.name(), "removed", true),
            Some(is) => changed(was, is, items),
        }
    }
    for is in after.iter().filter(|one| before.named(one.name()).is_none()) {
        let tenants =
            is.binding().tenants().unwrap_or_default().iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let change = format!(
            "added: kind {}, {}, speaks for {tenants}, up to {}",
            kind(is),
            is.format().name(),
            is.binding().highest_class()
        );
        items.add(SOURCE, is.name(), change, true);
    }
    // The first one whose pattern matches has a file.
    fn common<'s>(some: &'s Sources, others: &Sources) -> Vec<&'s SourceId> {
        some.iter().map(Source::name).filter(|name| others.named(name).is_some()).collect()
    }
    if common(before, after) != common(after, before) {
        items.add(SOURCE, "all", "in another order", true);
    }
}

/// How its records come.
fn kind(source: &Source) -> &'static str {
    source.transport().map_or("none", |transport| transport.kind().id())
}

fn changed(was: &Source, is: &Source, items: &mut Items) {
    let name = is.name().as_str();
    let (old, new) = (was.binding(), is.binding());
    lists(items, SOURCE, name, "tenants", (old.tenants().unwrap_or_default(), new.tenants().unwrap_or_default()));
    let envelopes = |source: &Source| source.binding().envelopes().names().collect::<Vec<_>>();
    lists(items, SOURCE, name, "envelopes", (&envelopes(was), &envelopes(is)));
    if new.highest_class() != old.highest_class() {
        let change = format!("leads up to {}, was {}", new.highest_class(), old.highest_class());
        items.add(SOURCE, name, change, new.highest_class() > old.highest_class());
    }
    // What follows decides who may write its records, and how they are read and ordered.
    let mut other = |what: &str, was: String, is: String| {
        if is != was {
            items.add(SOURCE, name, format!("{what} {is}, was {was}"), true);
        }
    };
    other("kind", kind(was).to_owned(), kind(is).to_owned());
    other("format", was.format().name().to_owned(), is.format().name().to_owned());
    let polled = |source: &Source| match source.transport() {
        Some(Transport::Polled(log)) => {
            let token =
                log.token_file.as_ref().map_or_else(|| "a variable".to_owned(), |file| file.display().to_string());
            format!("{}, token in {token}, read from {:?} on", log.url, log.since)
        }
        _ => "none".to_owned(),
    };
    other("log", polled(was), polled(is));
    let zone = |source: &Source| format!("{:?}", source.time_zone());
    other("time zone", zone(was), zone(is));
    let patience = |source: &Source| {
        let patience = source.patience();
        format!("{} late, {} silent", format_duration(patience.lateness), format_duration(patience.silence))
    };
    other("waits for records", patience(was), patience(is));
    let paths = |source: &Source| source.paths().iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    other("paths", paths(was), paths(is));
    if is.expect_every() != was.expect_every() {
        let shown = |every: Option<i64>| every.map_or_else(|| "never".to_owned(), format_duration);
        let (then, now) = (was.expect_every(), is.expect_every());
        let widens = then.is_some_and(|then| now.is_none_or(|now| now > then));
        items.add(
            SOURCE,
            name,
            format!("the alarm of silence comes after {}, was {}", shown(now), shown(then)),
            widens,
        );
    }
}
