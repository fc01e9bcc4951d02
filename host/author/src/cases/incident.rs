//! `incident.toml`: the incident of a response rule's case, `wit/response.wit`'s incident in kebab case.

use countersign_document::{Item, Table};
use countersign_model::response::{
    AvailableAction, FindingView, IdentityView, IncidentView, LeaseView, OutcomeView, StepResult, SubjectView,
};
use countersign_model::vocabulary::{
    Action, ActionClass, EvidenceRole, IdentityType, Reversibility, Severity, SignalClass, SubjectRole, Tier, Usage,
};

/// Reads the root of the file.
pub(super) fn incident(table: &Table<'_>) -> Option<IncidentView> {
    let now = table.read("now", "the gate's clock, microseconds since 1970", |item| item.whole());
    let findings = required_list(table, "findings", finding);
    let combined_confidence = table.read("combined-confidence", "0 to 100", |item| item.percent());
    let identities = required_list(table, "identities", identity);
    let subjects = required_list(table, "subjects", subject);
    let actions = required_list(table, "actions", available_action);
    let leases = optional_list(table, "leases", lease);
    let outcomes = optional_list(table, "outcomes", outcome);
    Some(IncidentView {
        now: now?,
        findings: findings?,
        combined_confidence: combined_confidence?,
        identities: identities?,
        subjects: subjects?,
        actions: actions?,
        leases: leases?,
        outcomes: outcomes?,
    })
}

fn required_list<T>(table: &Table<'_>, key: &'static str, read: impl Fn(&Table<'_>) -> Option<T>) -> Option<Vec<T>> {
    table.read(key, "a list of tables", |item| tables(item, read))
}

fn optional_list<T>(table: &Table<'_>, key: &'static str, read: impl Fn(&Table<'_>) -> Option<T>) -> Option<Vec<T>> {
    table.optional(key, |item| tables(item, read)).map(Option::unwrap_or_default)
}

fn tables<T>(item: Item<'_>, read: impl Fn(&Table<'_>) -> Option<T>) -> Option<Vec<T>> {
    item.list((0, usize::MAX), |item| {
        let table = item.table()?;
        let value = read(&table);
        table.finish();
        value
    })
}

fn finding(table: &Table<'_>) -> Option<FindingView> {
    let rule = table.read("rule", "a rule id", |item| item.parsed("a rule id `publisher/name`"));
    let signal_class = table.read("signal-class", "a signal class", |item| item.word::<SignalClass>("a signal class"));
    let confidence = table.read("confidence", "0 to 100", |item| item.percent());
    let severity = table.read("severity", "a severity", |item| item.word::<Severity>("a severity"));
    let subject = index(table, "subject", "an index into `subjects`");
    let techniques = table.read("techniques", "a list of ATT&CK ids", |item| {
        item.list((0, usize::MAX), |item| item.any_text(usize::MAX).map(str::to_owned))
    });
    let event_time = time(table, "event-time");
    let message = table.read("message", "text for people", |item| item.any_text(usize::MAX));
    Some(FindingView {
        rule: rule?,
        signal_class: signal_class?,
        confidence: confidence?,
        severity: severity?,
        subject: subject?,
        techniques: techniques?,
        event_time: event_time?,
        message: message?.to_owned(),
    })
}

fn identity(table: &Table<'_>) -> Option<IdentityView> {
    let account = table.read("account", "an account", |item| item.parsed("an account `provider:tenant:subject`"));
    let directory_id = optional_text(table, "directory-id");
    let identity_type =
        table.read("identity-type", "an identity type", |item| item.word::<IdentityType>("an identity type"));
    let tier = table.read("tier", "a tier", |item| item.word::<Tier>("a tier"));
    let environment = optional_text(table, "environment");
    let owner = optional_text(table, "owner");
    let protected = table.optional("protected", |item| item.flag());
    let break_glass = table.optional("break-glass", |item| item.flag());
    Some(IdentityView {
        account: account?,
        directory_id: directory_id?,
        identity_type: identity_type?,
        tier: tier?,
        environment: environment?,
        owner: owner?,
        protected: protected?.unwrap_or(false),
        break_glass: break_glass?.unwrap_or(false),
    })
}

fn subject(table: &Table<'_>) -> Option<SubjectView> {
    let identity = index(table, "identity", "an index into `identities`");
    let role = table.read("role", "a role", |item| item.word::<SubjectRole>("a role"));
    let evidence_role =
        table.read("evidence-role", "an evidence role", |item| item.word::<EvidenceRole>("an evidence role"));
    let usage = table.read("usage", "a usage", |item| item.word::<Usage>("a usage"));
    let flag = |key| table.read(key, "true or false", |item| item.flag());
    let (has_session, has_token, has_grant) = (flag("has-session"), flag("has-token"), flag("has-grant"));
    Some(SubjectView {
        identity: identity?,
        role: role?,
        evidence_role: evidence_role?,
        usage: usage?,
        has_session: has_session?,
        has_token: has_token?,
        has_grant: has_grant?,
    })
}

fn available_action(table: &Table<'_>) -> Option<AvailableAction> {
    let action = action(table);
    let subject = index(table, "subject", "an index into `subjects`");
    let rung = index(table, "rung", "the action's place in the order of rungs");
    let class = table.read("class", "an action class", |item| item.word::<ActionClass>("an action class"));
    let reversibility =
        table.read("reversibility", "a reversibility", |item| item.word::<Reversibility>("a reversibility"));
    Some(AvailableAction {
        action: action?,
        subject: subject?,
        rung: rung?,
        class: class?,
        reversibility: reversibility?,
    })
}

fn lease(table: &Table<'_>) -> Option<LeaseView> {
    let action = action(table);
    let subject = index(table, "subject", "an index into `subjects`");
    let (since, until) = (time(table, "since"), time(table, "until"));
    Some(LeaseView { action: action?, subject: subject?, since: since?, until: until? })
}

fn outcome(table: &Table<'_>) -> Option<OutcomeView> {
    let action = action(table);
    let subject = index(table, "subject", "an index into `subjects`");
    let at = time(table, "at");
    let result = table.read("result", "the step's result", |item| item.word::<StepResult>("a step's result"));
    Some(OutcomeView { action: action?, subject: subject?, at: at?, result: result? })
}

/// `action` of a table.
pub(super) fn action(table: &Table<'_>) -> Option<Action> {
    table.read("action", "an action", |item| item.word::<Action>("an action"))
}

fn index(table: &Table<'_>, key: &'static str, expected: &str) -> Option<u32> {
    table.read(key, expected, |item| item.integer(0, u32::MAX.into()))
}

fn time(table: &Table<'_>, key: &'static str) -> Option<i64> {
    table.read(key, "a time, microseconds since 1970", |item| item.whole())
}

fn optional_text(table: &Table<'_>, key: &'static str) -> Option<Option<String>> {
    table.optional(key, |item| item.any_text(usize::MAX).map(str::to_owned))
}
