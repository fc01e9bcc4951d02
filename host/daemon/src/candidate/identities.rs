//! The directory of identities: protections that go or get weaker, other facts, and who works with the host.

use countersign_model::vocabulary::Tier;
use countersign_policy::{Directory, DirectoryIdentity, Person};

use super::item::{Aspect, ChangeKind, Items};

const PROTECTION: (ChangeKind, Aspect) = (ChangeKind::Identities, Aspect::Protection);
const PERSON: (ChangeKind, Aspect) = (ChangeKind::Identities, Aspect::Person);
const IDENTITY: (ChangeKind, Aspect) = (ChangeKind::Identities, Aspect::Identity);

pub(super) fn compare(before: &Directory, after: &Directory, items: &mut Items) {
    for was in before.identities() {
        match after.identity(&was.id) {
            None => {
                let flags = flags(was);
                let change = format!("gone, with its {} accounts{flags}", was.accounts.len());
                items.add(PROTECTION, &was.id, change, true);
            }
            Some(is) => changed(was, is, items),
        }
        moved(was, after, items);
    }
    for is in after.identities() {
        if before.identity(&is.id).is_none() {
            let change = format!("added, of tier {}, with {} accounts", is.tier, is.accounts.len());
            items.add(IDENTITY, &is.id, change, weaker_than_unknown(is));
        } else {
            linked(is, before, items);
        }
    }
    persons(before, after, items);
}

/// Persons: whatever differs widens. Another user, role or key is somebody else who may answer; and with one fewer fewer are
/// asked, with none anybody whom the socket admits may apply.
fn persons(before: &Directory, after: &Directory, items: &mut Items) {
    let find = |directory: &'_ Directory, identity: &str| -> Option<Person> {
        directory.persons().iter().find(|person| person.identity == identity).cloned()
    };
    for was in before.persons() {
        let Some(is) = find(after, &was.identity) else {
            items.add(PERSON, &was.identity, format!("no person any more, was {}", shown(was)), true);
            continue;
        };
        if is != *was {
            items.add(PERSON, &was.identity, format!("{}, was {}", shown(&is), shown(was)), true);
        }
    }
    for is in after.persons().iter().filter(|is| find(before, &is.identity).is_none()) {
        items.add(PERSON, &is.identity, format!("a person now, {}", shown(is)), true);
    }
}

/// A person but for the identity.
fn shown(person: &Person) -> String {
    let roles: Vec<&str> = person.roles.iter().map(|role| role.id()).collect();
    let keys: Vec<String> = person.keys.iter().map(ToString::to_string).collect();
    let keys = if keys.is_empty() { "no keys".to_owned() } else { format!("keys {}", keys.join(", ")) };
    format!("uid {} with roles {} and {keys}", person.uid, roles.join(", "))
}

/// Whether accounts of it are better protected without a fact: then they are of tier critical, and of the type that records
/// prove.
fn weaker_than_unknown(identity: &DirectoryIdentity) -> bool {
    identity.tier != Tier::Critical || identity.identity_type.is_some()
}

fn flags(identity: &DirectoryIdentity) -> String {
    let flags = [("break-glass", identity.break_glass), ("protected", identity.protected)];
    flags.iter().filter(|(_, is_set)| *is_set).map(|(name, _)| format!(", {name}")).collect()
}

fn changed(was: &DirectoryIdentity, is: &DirectoryIdentity, items: &mut Items) {
    let id = &is.id;
    for (name, old, new) in
        [("break-glass", was.break_glass, is.break_glass), ("protected", was.protected, is.protected)]
    {
        if old != new {
            let change = if new { name.to_owned() } else { format!("not {name} any more") };
            items.add(PROTECTION, id, change, !new);
        }
    }
    if is.tier != was.tier {
        // The most critical is first.
        items.add(PROTECTION, id, format!("tier {}, was {}", is.tier, was.tier), is.tier > was.tier);
    }
    if is.identity_type != was.identity_type {
        let shown = |one: &DirectoryIdentity| {
            one.identity_type.map_or_else(|| "what records prove".to_owned(), |known| known.to_string())
        };
        items.add(PROTECTION, id, format!("type {}, was {}", shown(is), shown(was)), true);
    }
    if is.environment != was.environment {
        let shown = |one: &DirectoryIdentity| one.environment.as_deref().unwrap_or("none").to_owned();
        items.add(IDENTITY, id, format!("environment {}, was {}", shown(is), shown(was)), true);
    }
    if is.owner != was.owner {
        let shown = |one: &DirectoryIdentity| one.owner.as_deref().unwrap_or("none").to_owned();
        items.add(IDENTITY, id, format!("owner {}, was {}", shown(is), shown(was)), true);
    }
}

/// Accounts that were linked to an identity and aren't any more. An identity that is gone is an item with all of its.
fn moved(was: &DirectoryIdentity, after: &Directory, items: &mut Items) {
    let is_there = after.identity(&was.id).is_some();
    for linked in &was.accounts {
        let account = &linked.account;
        match after.identity_of(account) {
            Some(other) if other.id != was.id => {
                items.add(PROTECTION, &was.id, format!("account {account} is that of {} now", other.id), true);
            }
            None if is_there => items.add(PROTECTION, &was.id, format!("account {account} is gone"), true),
            _ => {}
        }
    }
}

/// Accounts that were linked to nobody.
fn linked(is: &DirectoryIdentity, before: &Directory, items: &mut Items) {
    for account in is.accounts.iter().map(|linked| &linked.account) {
        if before.identity_of(account).is_none() {
            items.add(IDENTITY, &is.id, format!("account {account} is linked"), weaker_than_unknown(is));
        }
    }
}
