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
    /// What its number says of how it went.
    pub(super) went: Went,
}

impl Kind {
    /// Whether its events name accounts.
    pub(super) fn has_accounts(&self) -> bool {
        !self.ids.is_empty() && (self.actor, self.target) != (Role::None, Role::None)
    }
}

/// What an event's number says of how the act went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Went {
    /// Well, unless the record says otherwise.
    Well,
    /// It failed, whatever the record says.
    Badly,
    /// Nothing.
    Unsaid,
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
    kind(&[4624], "logged on", AUTHENTICATION, 1, Role::Target, Role::None, Went::Well),
    kind(&[4625], "failed to log on", AUTHENTICATION, 1, Role::Target, Role::None, Went::Badly),
    kind(&[4634, 4647], "logged off", AUTHENTICATION, 2, Role::Target, Role::None, Went::Well),
    kind(&[4648], "logon attempted with explicit credentials", AUTHENTICATION, 1, Role::Subject, Role::Target, Went::Well),
    kind(&[4768], "ticket-granting ticket requested", AUTHENTICATION, 3, Role::Target, Role::None, Went::Well),
    kind(&[4772], "ticket-granting ticket refused", AUTHENTICATION, 3, Role::Target, Role::None, Went::Badly),
    kind(&[4769], "service ticket requested", AUTHENTICATION, 4, Role::Target, Role::Service, Went::Well),
    kind(&[4773], "service ticket refused", AUTHENTICATION, 4, Role::Target, Role::Service, Went::Badly),
    kind(&[4770], "service ticket renewed", AUTHENTICATION, 5, Role::Target, Role::None, Went::Well),
    kind(&[4771], "Kerberos pre-authentication failed", AUTHENTICATION, 6, Role::Target, Role::None, Went::Badly),
    kind(&[4776], "credentials validated", AUTHENTICATION, 1, Role::Target, Role::None, Went::Well),
    kind(&[4777], "credentials not validated", AUTHENTICATION, 1, Role::Target, Role::None, Went::Badly),
    kind(&[4778, 4779], "desktop session reconnected, disconnected", AUTHENTICATION, OTHER, Role::Desktop, Role::None, Went::Well),
    kind(&[4800, 4801], "workstation locked, unlocked", AUTHENTICATION, OTHER, Role::Target, Role::None, Went::Well),
    kind(&[4672], "special privileges assigned to a new logon", SESSION, 1, Role::Subject, Role::None, Went::Well),
    kind(&[4720, 4741], "account created", ACCOUNT, 1, Role::Subject, Role::Target, Went::Well),
    kind(&[4722], "account enabled", ACCOUNT, 2, Role::Subject, Role::Target, Went::Well),
    kind(&[4723], "password change attempted", ACCOUNT, 3, Role::Subject, Role::Target, Went::Well),
    kind(&[4724], "password reset attempted", ACCOUNT, 4, Role::Subject, Role::Target, Went::Well),
    kind(&[4725], "account disabled", ACCOUNT, 5, Role::Subject, Role::Target, Went::Well),
    kind(&[4726, 4743], "account deleted", ACCOUNT, 6, Role::Subject, Role::Target, Went::Well),
    kind(&[4740], "account locked out", ACCOUNT, 9, Role::Subject, Role::Target, Went::Well),
    kind(&[4767], "account unlocked", ACCOUNT, 12, Role::Subject, Role::Target, Went::Well),
    kind(&[4738, 4742, 4765, 4781], "account changed, SID history added, account renamed", ACCOUNT, OTHER, Role::Subject, Role::Target, Went::Well),
    kind(&[4704, 4717], "right assigned", ACCESS, 1, Role::Subject, Role::Target, Went::Well),
    kind(&[4705, 4718], "right removed", ACCESS, 2, Role::Subject, Role::Target, Went::Well),
    kind(&[4728, 4732, 4746, 4751, 4756, 4761], "member added to a group", GROUP, 3, Role::Subject, Role::Member, Went::Well),
    kind(&[4729, 4733, 4747, 4752, 4757, 4762], "member removed from a group", GROUP, 4, Role::Subject, Role::Member, Went::Well),
    kind(&[4730, 4734, 4748, 4753, 4758, 4763], "group deleted", GROUP, 5, Role::Subject, Role::None, Went::Well),
    kind(&[4727, 4731, 4744, 4749, 4754, 4759], "group created", GROUP, 6, Role::Subject, Role::None, Went::Well),
    kind(&[4735, 4737, 4745, 4750, 4755, 4760, 4764], "group changed", GROUP, OTHER, Role::Subject, Role::None, Went::Well),
    kind(&[4661, 4662], "directory object asked for, operated on", ENTITY, OTHER, Role::Subject, Role::None, Went::Well),
    kind(&[5137], "directory object created", ENTITY, 1, Role::Subject, Role::None, Went::Well),
    kind(&[5136], "directory object modified", ENTITY, 3, Role::Subject, Role::None, Went::Well),
    kind(&[5141], "directory object deleted", ENTITY, 4, Role::Subject, Role::None, Went::Well),
    kind(&[5138, 5139], "directory object undeleted, moved", ENTITY, OTHER, Role::Subject, Role::None, Went::Well),
];

/// Events of `AD FS Auditing` and `AD FS`, which name no account by its SID.
#[rustfmt::skip]
pub(super) const FEDERATION: &[Kind] = &[
    kind(&[299, 412, 1200, 1202], "token issued or accepted, credentials validated", AUTHENTICATION, 1, Role::None, Role::None, Went::Unsaid),
    kind(&[342, 411, 1201, 1203], "token or credentials refused", AUTHENTICATION, 1, Role::None, Role::None, Went::Badly),
    kind(&[1206, 1207], "signed out", AUTHENTICATION, 2, Role::None, Role::None, Went::Unsaid),
    kind(&[403, 404, 410, 424, 500, 501, 510], "request, its context, or the claims of a caller", AUTHENTICATION, OTHER, Role::None, Role::None, Went::Unsaid),
    kind(&[1204, 1205], "password change attempted", ACCOUNT, 3, Role::None, Role::None, Went::Unsaid),
];

/// Every other event of the auditing and of AD FS.
const REST: Kind = kind(&[], "anything else", EventClass::ApiActivity, OTHER, Role::Subject, Role::None, Went::Unsaid);

/// An event of another channel or provider, in which the numbers above mean something else, or nothing.
const FOREIGN: Kind = kind(&[], "foreign", EventClass::ApiActivity, OTHER, Role::None, Role::None, Went::Unsaid);

const fn kind(
    ids: &'static [u64],
    meaning: &'static str,
    class: EventClass,
    activity: u8,
    actor: Role,
    target: Role,
    went: Went,
) -> Kind {
    Kind { ids, meaning, class, activity, actor, target, went }
}

/// Who wrote a record. A number means something only together with its provider, and a provider's name means something
/// only in a channel that not everybody may write to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Writer {
    /// The auditing itself.
    Auditing,
    /// AD FS.
    Federation,
    /// Anything else: any program may write to the channel Application, under any name.
    Foreign,
}

/// Who wrote a record. A record without a channel, or of the channel Security without a provider, is taken for the
/// auditing's, which collectors leave out; it proves nothing about who authenticated.
pub(super) fn writer(record: &Record<'_>) -> Writer {
    let (provider, channel) = (trimmed(record.provider), trimmed(record.channel));
    let in_channel = |name: &str| channel.as_deref().is_none_or(|channel| channel.eq_ignore_ascii_case(name));
    match provider.as_deref() {
        None if in_channel(SECURITY_CHANNEL) => Writer::Auditing,
        Some(provider) if is_auditings(record, provider) && in_channel(SECURITY_CHANNEL) => Writer::Auditing,
        Some("AD FS Auditing") if in_channel(SECURITY_CHANNEL) => Writer::Federation,
        Some("AD FS") if in_channel("AD FS/Admin") || in_channel(SECURITY_CHANNEL) => Writer::Federation,
        _ => Writer::Foreign,
    }
}

/// Whether a record says that it is the auditing's own, of the channel that nobody else writes these events to.
pub(super) fn is_auditing_proved(record: &Record<'_>) -> bool {
    let channel = trimmed(record.channel).is_some_and(|channel| channel.eq_ignore_ascii_case(SECURITY_CHANNEL));
    channel && trimmed(record.provider).is_some_and(|provider| is_auditings(record, &provider))
}

/// Whether a provider is the auditing's: by one of its names, or by its id, beside which the name may be in any language.
fn is_auditings(record: &Record<'_>, provider: &str) -> bool {
    let id = trimmed(record.provider_guid);
    let id = id.as_deref().map(|id| id.trim_matches(['{', '}']));
    AUDITING.iter().any(|known| known.eq_ignore_ascii_case(provider))
        || id.is_some_and(|id| id.eq_ignore_ascii_case(AUDITING_ID))
}

const SECURITY_CHANNEL: &str = "Security";

/// The names of the auditing's provider, the third of them for people, which some collectors write; and the event log's
/// own, which writes there that the log was cleared.
const AUDITING: &[&str] = &[
    "Microsoft-Windows-Security-Auditing",
    "Security",
    "Microsoft Windows security auditing.",
    "Microsoft-Windows-Eventlog",
];

/// The auditing's provider, by its id.
const AUDITING_ID: &str = "54849625-5478-4994-a5ba-3e3b0328c30d";

/// What kind of event a record of this writer is, by its number.
pub(super) fn kind_of(writer: Writer, id: u64) -> &'static Kind {
    let table = match writer {
        Writer::Auditing => SECURITY,
        Writer::Federation => FEDERATION,
        Writer::Foreign => return &FOREIGN,
    };
    table.iter().find(|kind| kind.ids.contains(&id)).unwrap_or(&REST)
}
