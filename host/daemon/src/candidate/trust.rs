//! Trust: publishers, their keys, what they are granted, and declarations that are listed.

use countersign_model::vocabulary::FieldId;
use countersign_policy::{Accept, Publisher, Trust};

use super::item::{Aspect, ChangeKind, Items, lists};

const TRUST: (ChangeKind, Aspect) = (ChangeKind::Trust, Aspect::Trust);

pub(super) fn compare(before: &Trust, after: &Trust, items: &mut Items) {
    if before.asks_for_proof() != after.asks_for_proof() {
        let is_asked = after.asks_for_proof();
        let change = if is_asked { "rules have to be proved" } else { "rules needn't be proved" };
        items.add(TRUST, "everybody", change, !is_asked);
    }
    for (name, was) in before.publishers() {
        match after.publishers().find(|(other, _)| *other == name) {
            None => items.add(TRUST, name, "removed", false),
            Some((_, is)) => changed(name, was, is, items),
        }
    }
    for (name, is) in after.publishers() {
        if before.publishers().all(|(other, _)| other != name) {
            items.add(TRUST, name, format!("added, with {} keys", is.keys.len()), true);
        }
    }
    for accepted in after.listed().iter().filter(|one| !has(before, one)) {
        items.add(TRUST, &accepted.rule, format!("declaration {} is accepted", accepted.declaration), true);
    }
    for accepted in before.listed().iter().filter(|one| !has(after, one)) {
        let change = format!("declaration {} isn't accepted any more", accepted.declaration);
        items.add(TRUST, &accepted.rule, change, false);
    }
}

/// What is said of what a declaration permits is for people alone.
fn has(trust: &Trust, accepted: &countersign_policy::Accepted) -> bool {
    trust.accepted(&accepted.rule).any(|other| other.declaration == accepted.declaration)
}

fn changed(name: &str, was: &Publisher, is: &Publisher, items: &mut Items) {
    fn list<T: Copy>(set: &std::collections::BTreeSet<T>) -> Vec<T> {
        set.iter().copied().collect()
    }
    lists(items, TRUST, name, "keys", (&was.keys, &is.keys));
    if is.unsigned != was.unsigned {
        let change = if is.unsigned { "rules without a signature serve" } else { "rules have to be signed" };
        items.add(TRUST, name, change, is.unsigned);
    }
    if is.accept != was.accept {
        items.add(TRUST, name, format!("accepts {}, was {}", is.accept, was.accept), is.accept == Accept::All);
    }
    let (old, new) = (&was.grant, &is.grant);
    lists(items, TRUST, name, "actions", (&list(&old.actions), &list(&new.actions)));
    lists(items, TRUST, name, "identity-types", (&list(&old.identity_types), &list(&new.identity_types)));
    lists(items, TRUST, name, "signal-classes", (&list(&old.signal_classes), &list(&new.signal_classes)));
    let (old, new) = (&was.scope, &is.scope);
    lists(items, TRUST, name, "kinds", (&list(&old.kinds), &list(&new.kinds)));
    let fields = |set: &std::collections::BTreeSet<FieldId>| {
        set.iter().map(|field| field.field().path.to_owned()).collect::<Vec<_>>()
    };
    lists(items, TRUST, name, "fields", (&fields(&old.fields), &fields(&new.fields)));
    if new.confidence != old.confidence {
        let change = format!("confidence at most {}, was {}", new.confidence, old.confidence);
        items.add(TRUST, name, change, new.confidence > old.confidence);
    }
    if new.severity != old.severity {
        let change = format!("severity at most {}, was {}", new.severity, old.severity);
        items.add(TRUST, name, change, new.severity > old.severity);
    }
}
