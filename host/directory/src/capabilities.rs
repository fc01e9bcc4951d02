//! What can be done to accounts of a directory, and whether a credential may: action by action, with the requests that do it.

use countersign_model::vocabulary::Action;
use serde::Serialize;

use crate::words::{AccountKind, Scope};

/// What an action takes.
struct Ability {
    action: Action,
    scope: Scope,
    /// What it can act on: `account`, `session`, `token` (of a credential too), `grant` (a group).
    levels: &'static [&'static str],
    /// What comes of its end: of people, and of services.
    reversibility: [&'static str; 2],
    request: &'static str,
    /// What access is left after it.
    remains: &'static str,
}

const REVERSIBLE: [&str; 2] = ["reversible", "reversible"];

/// A person signs in again. A service does with a key, by itself, if its software knows how.
const HEALS: [&str; 2] = ["self-healing", "irreversible"];

const ACCESS: &str = "access tokens that were issued, until they expire (`access_until` of its sessions)";

#[rustfmt::skip]
const ABILITIES: &[Ability] = &[
    Ability { action: Action::RequireMfa, scope: Scope::AccountsWrite, levels: &["account"], reversibility: REVERSIBLE, request: "PATCH /v1/accounts/{id} {\"required_factors\": [\"password\", \"totp\"]}", remains: "sessions that have the factor; of others access tokens until they expire" },
    Ability { action: Action::RequireReauthentication, scope: Scope::AccountsWrite, levels: &["account"], reversibility: REVERSIBLE, request: "PATCH /v1/accounts/{id} {\"reauthenticate_before\": TIME}", remains: "who signs in again; access tokens until they expire" },
    Ability { action: Action::RequireReauthentication, scope: Scope::SessionsWrite, levels: &["session"], reversibility: REVERSIBLE, request: "PATCH /v1/sessions/{id} {\"reauthenticate\": true}", remains: "who signs in again; access tokens until they expire" },
    Ability { action: Action::RevokeToken, scope: Scope::TokensWrite, levels: &["token", "account"], reversibility: HEALS, request: "POST /v1/tokens/{id}/revoke, POST /v1/accounts/{id}/tokens/revoke", remains: ACCESS },
    Ability { action: Action::RevokeSessions, scope: Scope::SessionsWrite, levels: &["session", "account"], reversibility: HEALS, request: "POST /v1/sessions/{id}/end, POST /v1/accounts/{id}/sessions/end {\"started_before\": TIME}", remains: ACCESS },
    Ability { action: Action::SuspendPrivilege, scope: Scope::GroupsWrite, levels: &["grant"], reversibility: REVERSIBLE, request: "DELETE /v1/groups/{group}/members/{account}; PUT to undo", remains: "what access tokens say, until they expire" },
    Ability { action: Action::RestrictAccess, scope: Scope::AccountsWrite, levels: &["account"], reversibility: REVERSIBLE, request: "PATCH /v1/accounts/{id} {\"allowed_networks\": [NETWORK]}", remains: "use from these networks; access tokens from everywhere until they expire" },
    Ability { action: Action::DisableCredential, scope: Scope::CredentialsWrite, levels: &["token"], reversibility: REVERSIBLE, request: "PATCH /v1/credentials/{id} {\"enabled\": false}", remains: "sessions that it began, with their refresh tokens" },
    Ability { action: Action::BlockSignIn, scope: Scope::AccountsWrite, levels: &["account"], reversibility: REVERSIBLE, request: "PATCH /v1/accounts/{id} {\"sign_in_blocked\": true}", remains: "sessions that have begun, with their refresh tokens" },
    Ability { action: Action::SuspendAccount, scope: Scope::AccountsWrite, levels: &["account"], reversibility: REVERSIBLE, request: "PATCH /v1/accounts/{id} {\"suspended\": true, \"suspended_until\": TIME or null}", remains: ACCESS },
    Ability { action: Action::DisableAccount, scope: Scope::AccountsWrite, levels: &["account"], reversibility: REVERSIBLE, request: "PATCH /v1/accounts/{id} {\"enabled\": false}", remains: ACCESS },
    Ability { action: Action::ResetCredential, scope: Scope::CredentialsWrite, levels: &["account"], reversibility: ["irreversible", "irreversible"], request: "POST /v1/accounts/{id}/credentials", remains: "sessions that have begun, with their refresh tokens" },
    Ability { action: Action::RotateSecret, scope: Scope::CredentialsWrite, levels: &["token"], reversibility: ["irreversible", "irreversible"], request: "POST /v1/accounts/{id}/credentials, DELETE /v1/credentials/{id}", remains: "sessions that have begun, with their refresh tokens" },
    Ability { action: Action::RemovePrivilege, scope: Scope::GroupsWrite, levels: &["grant"], reversibility: REVERSIBLE, request: "DELETE /v1/groups/{group}/members/{account}", remains: "what access tokens say, until they expire" },
];

/// What a credential may do of an action.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Capability {
    action: Action,
    account_type: AccountKind,
    levels: &'static [&'static str],
    /// How many accounts one request acts on.
    reach: &'static str,
    reversibility: &'static str,
    allowed: bool,
    /// The scopes that it lacks. What is done is also looked at, for which it takes `read`.
    missing: Vec<Scope>,
    request: &'static str,
    remains: &'static str,
}

/// All that can be done, and whether these scopes are enough.
pub(crate) fn capabilities(scopes: &[Scope]) -> Vec<Capability> {
    let of = |ability: &'static Ability, kind: AccountKind| {
        let missing: Vec<Scope> =
            [Scope::Read, ability.scope].into_iter().filter(|scope| !scopes.contains(scope)).collect();
        let [person, service] = ability.reversibility;
        Capability {
            action: ability.action,
            account_type: kind,
            levels: ability.levels,
            reach: "one",
            reversibility: if kind == AccountKind::Person { person } else { service },
            allowed: missing.is_empty(),
            missing,
            request: ability.request,
            remains: ability.remains,
        }
    };
    // A service gives no codes.
    let fits = |ability: &Ability, kind| ability.action != Action::RequireMfa || kind == AccountKind::Person;
    let all = ABILITIES.iter().flat_map(|ability| AccountKind::ALL.iter().map(move |kind| (ability, *kind)));
    all.filter(|(ability, kind)| fits(ability, *kind)).map(|(ability, kind)| of(ability, kind)).collect()
}
