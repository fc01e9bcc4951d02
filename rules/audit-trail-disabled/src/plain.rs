//! Operations that blind a watcher whatever their request is.

use crate::deed::Watcher::{self, Log, Tool};

/// One operation.
pub(crate) struct Plain {
    service: &'static str,
    operations: &'static [&'static str],
    pub(crate) watcher: Watcher,
    /// For the message: "… stopped the trail".
    pub(crate) words: &'static str,
    pub(crate) confidence: u8,
    /// The member of the request that names what it was done to.
    pub(crate) thing: Option<&'static str>,
}

const fn row(
    service: &'static str,
    operations: &'static [&'static str],
    watcher: Watcher,
    words: &'static str,
    confidence: u8,
    thing: &'static str,
) -> Plain {
    let thing = if thing.is_empty() { None } else { Some(thing) };
    Plain { service, operations, watcher, words, confidence, thing }
}

#[rustfmt::skip]
const PLAIN: &[Plain] = &[
    row("cloudtrail", &["StopLogging"], Log, "stopped the trail", 85, "name"),
    row("cloudtrail", &["DeleteTrail"], Log, "deleted the trail", 75, "name"),
    row("cloudtrail", &["StopEventDataStoreIngestion"], Log, "stopped the intake of the event data store", 80, "eventDataStore"),
    row("cloudtrail", &["DeleteEventDataStore"], Log, "deleted the event data store", 75, "eventDataStore"),
    row("cloudtrail", &["DeregisterOrganizationDelegatedAdmin"], Log, "took the organisation's trails from the account", 60, "delegatedAdminAccountId"),
    row("config", &["StopConfigurationRecorder"], Log, "stopped the configuration recorder", 70, "configurationRecorderName"),
    row("config", &["DeleteConfigurationRecorder"], Log, "deleted the configuration recorder", 70, "configurationRecorderName"),
    row("config", &["DeleteDeliveryChannel"], Log, "deleted the delivery channel of the configuration recorder", 70, "deliveryChannelName"),
    row("route53resolver", &["DeleteResolverQueryLogConfig"], Log, "deleted the resolver's query log", 60, "resolverQueryLogConfigId"),
    row("route53resolver", &["DisassociateResolverQueryLogConfig"], Log, "took a network from the resolver's query log", 60, "resolverQueryLogConfigId"),
    row("route53", &["DeleteQueryLoggingConfig"], Log, "deleted the query log of a zone", 50, "id"),
    row("securitylake", &["DeleteDataLake"], Log, "deleted the security data lake", 70, ""),
    row("securitylake", &["DeleteAwsLogSource", "DeleteCustomLogSource"], Log, "took a source from the security data lake", 65, ""),
    row("bedrock", &["DeleteModelInvocationLoggingConfiguration"], Log, "deleted the log of calls of models", 60, ""),
    row("guardduty", &["DeleteDetector"], Tool, "deleted the detector", 75, "detectorId"),
    row("guardduty", &["StopMonitoringMembers", "DisassociateMembers", "DeleteMembers"], Tool, "let go of members of the detector", 60, "detectorId"),
    row("guardduty", &["DeletePublishingDestination"], Tool, "stopped the export of findings of the detector", 60, "detectorId"),
    row("guardduty", &["UpdatePublishingDestination"], Tool, "moved the export of findings of the detector", 55, "detectorId"),
    row("guardduty", &["DisassociateFromMasterAccount", "DisassociateFromAdministratorAccount"], Tool, "took the account out of reach of GuardDuty's administrator, with the detector", 60, "detectorId"),
    row("guardduty", &["DisableOrganizationAdminAccount"], Tool, "took the organisation from GuardDuty's administrator", 65, "adminAccountId"),
    row("guardduty", &["DeleteThreatIntelSet", "DeleteThreatEntitySet"], Tool, "deleted a list of threats of the detector", 55, "detectorId"),
    row("securityhub", &["DisableSecurityHub", "DisableSecurityHubV2"], Tool, "switched off Security Hub", 65, ""),
    row("securityhub", &["DisassociateMembers", "DeleteMembers"], Tool, "let go of members of Security Hub", 60, ""),
    row("securityhub", &["DisassociateFromMasterAccount", "DisassociateFromAdministratorAccount"], Tool, "took the account out of reach of Security Hub's administrator", 60, ""),
    row("securityhub", &["DisableOrganizationAdminAccount"], Tool, "took the organisation from Security Hub's administrator", 65, "adminAccountId"),
    row("securityhub", &["DisableImportFindingsForProduct"], Tool, "stopped the findings of a product in Security Hub", 60, "ProductSubscriptionArn"),
    row("securityhub", &["BatchDisableStandards"], Tool, "switched off standards of Security Hub", 55, ""),
    row("access-analyzer", &["DeleteAnalyzer"], Tool, "deleted the access analyzer", 55, "analyzerName"),
    row("access-analyzer", &["CreateArchiveRule"], Tool, "made a rule that archives findings of the access analyzer", 50, "analyzerName"),
    row("macie2", &["DisableMacie"], Tool, "switched off Macie", 55, ""),
    row("detective", &["DeleteGraph"], Tool, "deleted Detective's graph", 55, "GraphArn"),
    row("inspector2", &["Disable"], Tool, "switched off Inspector", 55, ""),
    row("organizations", &["LeaveOrganization"], Tool, "took the account out of the organisation", 80, ""),
    row("organizations", &["RemoveAccountFromOrganization"], Tool, "took out of the organisation the account", 70, "accountId"),
];

/// What an operation does, if that doesn't depend on its request.
pub(crate) fn of(service: &str, operation: &str) -> Option<&'static Plain> {
    PLAIN.iter().find(|row| row.service == service && row.operations.contains(&operation))
}
