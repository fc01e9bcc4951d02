//! The table of events: which class an event has, which account acted and which was acted on.

use countersign_model::vocabulary::EventClass;

use super::record::{Record, trimmed};

/// Which account a record's members name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// No account.
    None,
    /// `SubjectUserSid` and the names beside it: whose session the act was done in.
    Subject,
    /// `TargetUserSid`, else `TargetSid`, and the names beside it.
    Target,
    /// `MemberSid`: the account that a group got or lost.
    Member,
    /// `ServiceSid`: whose key a service ticket is encrypted with.
    Service,
    /// `AccountName`, never with a SID: whose desktop session it is.
    Desktop,
}

impl Role {
    /// In words, for the documentation.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Role::None => "–",
            Role::Subject => "`SubjectUserSid`",
            Role::Target => "`TargetUserSid`, `TargetSid`",
            Role::Member => "`MemberSid`",
            Role::Service => "`ServiceSid`",
            Role::Desktop => "`AccountName`",
        }
    }
}

/// What an event of some numbers is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    /// The numbers.
    pub(super) ids: &'static [u64],
    /// What happened, in a few words.
    pub(super) meaning: &'static str,
    /// OCSF class.
    pub(super) class: EventClass,
    /// OCSF `activity_id` within the class.
    pub(super) activity: u8,
    /// The account that acted.
    pub(super) actor: Role,
    /// The account acted on.
    pub(super) target: Role,
    /// What it proves about the actor's authentication.
    pub(super) proof: Proof,
}

/// What an event proves about its actor's authentication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// It is an attempt to authenticate: proved if it succeeded.
    Attempt,
    /// It is a failed attempt, always.
    Failed,
    /// It happened in a session that had begun: proved before.
    Session,
    /// Nothing: the record names no account.
    Nothing,
}

impl Proof {
    /// In words, for the documentation.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Proof::Attempt => "if it succeeded",
            Proof::Session => "yes",
            Proof::Failed | Proof::Nothing => "no",
        }
    }
}

const ACCOUNT: EventClass = EventClass::AccountChange;
const AUTHENTICATION: EventClass = EventClass::Authentication;
const SESSION: EventClass = EventClass::AuthorizeSession;
const ENTITY: EventClass = EventClass::EntityManagement;
const ACCESS: EventClass = EventClass::UserAccess;
const GROUP: EventClass = EventClass::GroupManagement;

const OTHER: u8 = 99;

/// Events of `Microsoft-Windows-Security-Auditing`.
#[rustfmt::skip]
pub(super) const SECURITY: &[Kind] = &[
    kind(&[4624], "logged on", AUTHENTICATION, 1, Role::Target, Role::None, Proof::Attempt),
    kind(&[4625], "failed to log on", AUTHENTICATION, 1, Role::Target, Role::None, Proof::Failed),
    kind(&[4634, 4647], "logged off", AUTHENTICATION, 2, Role::Target, Role::None, Proof::Session),
    kind(&[4648], "logon attempted with explicit credentials", AUTHENTICATION, 1, Role::Subject, Role::Target, Proof::Session),
    kind(&[4768, 4772], "ticket-granting ticket requested", AUTHENTICATION, 3, Role::Target, Role::None, Proof::Attempt),
    kind(&[4769, 4773], "service ticket requested", AUTHENTICATION, 4, Role::Target, Role::Service, Proof::Attempt),
    kind(&[4770], "service ticket renewed", AUTHENTICATION, 5, Role::Target, Role::None, Proof::Attempt),
    kind(&[4771], "Kerberos pre-authentication failed", AUTHENTICATION, 6, Role::Target, Role::None, Proof::Failed),
    kind(&[4776], "credentials validated", AUTHENTICATION, 1, Role::Target, Role::None, Proof::Attempt),
    kind(&[4777], "credentials not validated", AUTHENTICATION, 1, Role::Target, Role::None, Proof::Failed),
    kind(&[4778, 4779], "desktop session reconnected, disconnected", AUTHENTICATION, OTHER, Role::Desktop, Role::None, Proof::Session),
    kind(&[4800, 4801], "workstation locked, unlocked", AUTHENTICATION, OTHER, Role::Target, Role::None, Proof::Session),
    kind(&[4672], "special privileges assigned to a new logon", SESSION, 1, Role::Subject, Role::None, Proof::Session),
    kind(&[4720, 4741], "account created", ACCOUNT, 1, Role::Subject, Role::Target, Proof::Session),
    kind(&[4722], "account enabled", ACCOUNT, 2, Role::Subject, Role::Target, Proof::Session),
    kind(&[4723], "password change attempted", ACCOUNT, 3, Role::Subject, Role::Target, Proof::Session),
    kind(&[4724], "password reset attempted", ACCOUNT, 4, Role::Subject, Role::Target, Proof::Session),
    kind(&[4725], "account disabled", ACCOUNT, 5, Role::Subject, Role::Target, Proof::Session),
    kind(&[4726, 4743], "account deleted", ACCOUNT, 6, Role::Subject, Role::Target, Proof::Session),
    kind(&[4740], "account locked out", ACCOUNT, 9, Role::Subject, Role::Target, Proof::Session),
    kind(&[4767], "account unlocked", ACCOUNT, 12, Role::Subject, Role::Target, Proof::Session),
    kind(&[4738, 4742, 4765, 4781], "account changed, SID history added, account renamed", ACCOUNT, OTHER, Role::Subject, Role::Target, Proof::Session),
    kind(&[4704, 4717], "right assigned", ACCESS, 1, Role::Subject, Role::Target, Proof::Session),
    kind(&[4705, 4718], "right removed", ACCESS, 2, Role::Subject, Role::Target, Proof::Session),
    kind(&[4728, 4732, 4746, 4751, 4756, 4761], "member added to a group", GROUP, 3, Role::Subject, Role::Member, Proof::Session),
    kind(&[4729, 4733, 4747, 4752, 4757, 4762], "member removed from a group", GROUP, 4, Role::Subject, Role::Member, Proof::Session),
    kind(&[4730, 4734, 4748, 4753, 4758, 4763], "group deleted", GROUP, 5, Role::Subject, Role::None, Proof::Session),
    kind(&[4727, 4731, 4744, 4749, 4754, 4759], "group created", GROUP, 6, Role::Subject, Role::None, Proof::Session),
    kind(&[4735, 4737, 4745, 4750, 4755, 4760, 4764], "group changed", GROUP, OTHER, Role::Subject, Role::None, Proof::Session),
    kind(&[4661, 4662], "directory object asked for, operated on", ENTITY, OTHER, Role::Subject, Role::None, Proof::Session),
    kind(&[5137], "directory object created", ENTITY, 1, Role::Subject, Role::None, Proof::Session),
    kind(&[5136], "directory object modified", ENTITY, 3, Role::Subject, Role::None, Proof::Session),
    kind(&[5141], "directory object deleted", ENTITY, 4, Role::Subject, Role::None, Proof::Session),
    kind(&[5138, 5139], "directory object undeleted, moved", ENTITY, OTHER, Role::Subject, Role::None, Proof::Session),
];

/// Events of `AD FS Auditing` and `AD FS`, which name no account by its SID.
#[rustfmt::skip]
pub(super) const FEDERATION: &[Kind] = &[
    kind(&[299, 412, 1200, 1202], "token issued or accepted, credentials validated", AUTHENTICATION, 1, Role::None, Role::None, Proof::Nothing),
    kind(&[342, 411, 1201, 1203], "token or credentials refused", AUTHENTICATION, 1, Role::None, Role::None, Proof::Failed),
    kind(&[1206, 1207], "signed out", AUTHENTICATION, 2, Role::None, Role::None, Proof::Nothing),
    kind(&[403, 404, 410, 424, 500, 501, 510], "request, its context, or the claims of a caller", AUTHENTICATION, OTHER, Role::None, Role::None, Proof::Nothing),
    kind(&[1204, 1205], "password change attempted", ACCOUNT, 3, Role::None, Role::None, Proof::Nothing),
];

/// Every other event.
pub(super) const REST: Kind =
    kind(&[], "anything else", EventClass::ApiActivity, OTHER, Role::Subject, Role::None, Proof::Session);

const fn kind(
    ids: &'static [u64],
    meaning: &'static str,
    class: EventClass,
    activity: u8,
    actor: Role,
    target: Role,
    proof: Proof,
) -> Kind {
    Kind { ids, meaning, class, activity, actor, target, proof }
}

/// What kind of event a record is. A number means something only together with its provider; a record without one,
/// of the channel `Security` or without a channel, is of the auditing itself.
pub(super) fn kind_of(record: &Record<'_>, id: u64) -> &'static Kind {
    let table = match trimmed(record.provider).as_deref() {
        // The last is its name for people, which some collectors write.
        Some("Microsoft-Windows-Security-Auditing" | "Security" | "Microsoft Windows security auditing.") => SECURITY,
        Some("AD FS Auditing" | "AD FS") => FEDERATION,
        None if trimmed(record.channel).is_none_or(|channel| channel.eq_ignore_ascii_case("security")) => SECURITY,
        _ => &[],
    };
    table.iter().find(|kind| kind.ids.contains(&id)).unwrap_or(&REST)
}
