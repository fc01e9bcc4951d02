//! The rule over rows: who switched what off.

use countersign_sdk::testing::{Harness, Row, Value, findings, only_finding, row};

use super::*;

const TRAIL: &str = "arn:aws:cloudtrail:eu-west-1:111122223333:trail/organisation";

fn call(service: &str, operation: &str, request: &str) -> Row {
    row()
        .at("2024-05-01T08:00:00Z")
        .api_service_name(&format!("{service}.amazonaws.com"))
        .api_operation(operation)
        .api_request_data(request)
        .actor_user_type("IAMUser")
        .actor_user_uid("AIDAALICEEXAMPLE")
        .actor_user_uid_alt("arn:aws:iam::111122223333:user/alice")
}

fn stopped() -> Row {
    call("cloudtrail", "StopLogging", &format!(r#"{{"name":"{TRAIL}"}}"#))
}

#[test]
fn a_stopped_trail_is_found() {
    let finding = only_finding::<Rule>(&[stopped()]);
    assert_eq!((finding.class, finding.confidence, finding.about), (SignalClass::Evasion, 85, Role::Actor));
    assert_eq!(finding.severity, Severity::High);
    assert_eq!(finding.techniques, ["T1562.008"]);
    assert_eq!(finding.message, format!("arn:aws:iam::111122223333:user/alice stopped the trail {TRAIL}"));
}

#[test]
fn every_watcher_has_its_weight_and_technique() {
    let narrowed =
        r#"{"trailName":"t","eventSelectors":[{"readWriteType":"ReadOnly","includeManagementEvents":false}]}"#;
    for (service, operation, request, weight, technique) in [
        ("cloudtrail", "DeleteTrail", r#"{"name":"t"}"#, 75, "T1562.008"),
        ("cloudtrail", "UpdateTrail", r#"{"name":"t","isMultiRegionTrail":false}"#, 65, "T1562.008"),
        ("cloudtrail", "UpdateTrail", r#"{"name":"t","enableLogFileValidation":false}"#, 55, "T1562.008"),
        ("cloudtrail", "PutEventSelectors", narrowed, 65, "T1562.008"),
        ("cloudtrail", "StopEventDataStoreIngestion", r#"{"eventDataStore":"e"}"#, 80, "T1562.008"),
        ("cloudtrail", "DeleteEventDataStore", r#"{"eventDataStore":"e"}"#, 75, "T1562.008"),
        ("cloudtrail", "UpdateEventDataStore", r#"{"multiRegionEnabled":false}"#, 65, "T1562.008"),
        ("ec2", "DeleteFlowLogs", "{}", 60, "T1562.008"),
        ("guardduty", "DeleteDetector", r#"{"detectorId":"d"}"#, 75, "T1562.001"),
        ("guardduty", "UpdateDetector", r#"{"detectorId":"d","enable":false}"#, 75, "T1562.001"),
        ("guardduty", "StopMonitoringMembers", r#"{"detectorId":"d"}"#, 60, "T1562.001"),
        ("guardduty", "DisassociateMembers", r#"{"detectorId":"d"}"#, 60, "T1562.001"),
        ("guardduty", "DisassociateFromMasterAccount", r#"{"detectorId":"d"}"#, 60, "T1562.001"),
        ("guardduty", "DeletePublishingDestination", r#"{"detectorId":"d"}"#, 60, "T1562.001"),
        ("config", "StopConfigurationRecorder", "{}", 70, "T1562.008"),
        ("config", "DeleteConfigurationRecorder", "{}", 70, "T1562.008"),
        ("config", "DeleteDeliveryChannel", "{}", 70, "T1562.008"),
        ("securityhub", "DisableSecurityHub", "{}", 65, "T1562.001"),
        ("securityhub", "DisassociateMembers", "{}", 60, "T1562.001"),
        ("securityhub", "DisassociateFromAdministratorAccount", "{}", 60, "T1562.001"),
        ("securityhub", "BatchDisableStandards", "{}", 55, "T1562.001"),
        ("securityhub", "DisableImportFindingsForProduct", "{}", 60, "T1562.001"),
        ("securityhub", "UpdateOrganizationConfiguration", r#"{"autoEnable":false}"#, 55, "T1562.001"),
        ("securityhub", "CreateAutomationRule", r#"{"Actions":[{"Status":"SUPPRESSED"}]}"#, 50, "T1562.001"),
        ("guardduty", "CreateIPSet", r#"{"detectorId":"d","activate":true}"#, 65, "T1562.001"),
        ("guardduty", "CreateFilter", r#"{"detectorId":"d","action":"ARCHIVE","findingCriteria":{}}"#, 70, "T1562.001"),
        ("guardduty", "DeleteMembers", r#"{"detectorId":"d"}"#, 60, "T1562.001"),
        ("guardduty", "DisableOrganizationAdminAccount", "{}", 65, "T1562.001"),
        ("guardduty", "DeleteThreatIntelSet", r#"{"detectorId":"d"}"#, 55, "T1562.001"),
        ("guardduty", "UpdatePublishingDestination", r#"{"detectorId":"d"}"#, 55, "T1562.001"),
        ("organizations", "LeaveOrganization", "null", 80, "T1562.001"),
        ("organizations", "RemoveAccountFromOrganization", r#"{"accountId":"1"}"#, 70, "T1562.001"),
        (
            "organizations",
            "DisableAWSServiceAccess",
            r#"{"servicePrincipal":"cloudtrail.amazonaws.com"}"#,
            70,
            "T1562.001",
        ),
        (
            "organizations",
            "DeregisterDelegatedAdministrator",
            r#"{"servicePrincipal":"guardduty.amazonaws.com"}"#,
            70,
            "T1562.001",
        ),
        ("route53resolver", "DeleteResolverQueryLogConfig", "{}", 60, "T1562.008"),
        ("route53resolver", "DisassociateResolverQueryLogConfig", "{}", 60, "T1562.008"),
        ("route53", "DeleteQueryLoggingConfig", "{}", 50, "T1562.008"),
        ("securitylake", "DeleteDataLake", "{}", 70, "T1562.008"),
        ("securitylake", "DeleteAwsLogSource", "{}", 65, "T1562.008"),
        ("bedrock", "DeleteModelInvocationLoggingConfiguration", "{}", 60, "T1562.008"),
        ("cloudtrail", "PutInsightSelectors", r#"{"trailName":"t","insightSelectors":[]}"#, 50, "T1562.008"),
        ("cloudtrail", "DeregisterOrganizationDelegatedAdmin", "{}", 60, "T1562.008"),
        ("access-analyzer", "DeleteAnalyzer", "{}", 55, "T1562.001"),
        ("access-analyzer", "CreateArchiveRule", "{}", 50, "T1562.001"),
        ("macie2", "DisableMacie", "{}", 55, "T1562.001"),
        ("detective", "DeleteGraph", "{}", 55, "T1562.001"),
        ("inspector2", "Disable", "{}", 55, "T1562.001"),
        ("logs", "DeleteLogGroup", r#"{"logGroupName":"aws-cloudtrail-logs-1"}"#, 65, "T1562.008"),
        ("events", "DisableRule", r#"{"name":"guardduty-relay"}"#, 55, "T1562.001"),
    ] {
        let found = findings::<Rule>(&[call(service, operation, request)]);
        let [finding] = found.as_slice() else { panic!("{operation}: {found:?}") };
        assert_eq!(
            (finding.confidence, finding.techniques.as_slice()),
            (weight, &[technique.to_owned()][..]),
            "{operation}"
        );
    }
}

#[test]
fn changes_that_leave_everything_recorded_are_quiet() {
    let all = r#"{"trailName":"t","eventSelectors":[{"readWriteType":"All","includeManagementEvents":true}]}"#;
    for (service, operation, request) in [
        ("cloudtrail", "UpdateTrail", r#"{"name":"t","isMultiRegionTrail":true,"enableLogFileValidation":true}"#),
        ("cloudtrail", "PutEventSelectors", all),
        ("cloudtrail", "UpdateEventDataStore", r#"{"eventDataStore":"e","retentionPeriod":90}"#),
        ("guardduty", "UpdateDetector", r#"{"detectorId":"d","enable":true}"#),
        ("guardduty", "UpdateDetector", r#"{"detectorId":"d","findingPublishingFrequency":"SIX_HOURS"}"#),
        // Operations of the same name of services that watch something else.
        ("macie2", "DisassociateFromMasterAccount", "{}"),
        ("detective", "DisassociateMembers", "{}"),
        ("frauddetector", "DeleteDetector", "{}"),
        ("macie2", "CreateFindingsFilter", r#"{"action":"ARCHIVE"}"#),
        ("organizations", "DisableAWSServiceAccess", r#"{"servicePrincipal":"ram.amazonaws.com"}"#),
        ("cloudtrail", "PutInsightSelectors", r#"{"insightSelectors":[{"insightType":"ApiCallRateInsight"}]}"#),
        ("guardduty", "CreateIPSet", r#"{"detectorId":"d","activate":false}"#),
        ("guardduty", "CreateFilter", r#"{"detectorId":"d","action":"NOOP","findingCriteria":{}}"#),
        ("logs", "DeleteLogGroup", r#"{"logGroupName":"/aws/lambda/reports"}"#),
        ("s3", "DeleteBucket", r#"{"bucketName":"example-assets"}"#),
    ] {
        assert_eq!(findings::<Rule>(&[call(service, operation, request)]), [], "{service} {operation} {request}");
    }
    assert_eq!(findings::<Rule>(&[stopped().set("api.service.name", Value::WrongType)]), []);
}

#[test]
fn flow_logs_that_were_kept_are_not_deleted() {
    let request = |ids: &str| format!(r#"{{"DeleteFlowLogsRequest":{{"FlowLogId":{ids}}}}}"#);
    let answer = |item: &str| format!(r#"{{"DeleteFlowLogsResponse":{{"unsuccessful":{item}}}}}"#);
    let one = request(r#"{"tag":1,"content":"fl-1"}"#);
    let two = request(r#"[{"tag":1,"content":"fl-1"},{"tag":2,"content":"fl-2"}]"#);
    let kept = answer(r#"{"item":{"resourceId":"fl-1","error":{"code":"InvalidFlowLogId.NotFound"}}}"#);
    let nothing_kept = answer(r#""""#);
    let message = |request: &str, answer: &str| {
        let found = findings::<Rule>(&[call("ec2", "DeleteFlowLogs", request).api_response_data(answer)]);
        found.into_iter().next().map(|finding| finding.message)
    };
    let deleted = |ids: &str| Some(format!("arn:aws:iam::111122223333:user/alice deleted the flow logs {ids}"));
    assert_eq!(message(&one, &nothing_kept), deleted("fl-1"));
    assert_eq!(message(&two, &nothing_kept), deleted("fl-1, fl-2"));
    assert_eq!(message(&one, &kept), None);
    assert_eq!(message(&two, &kept), deleted("fl-2"));
}

#[test]
fn a_second_factor_and_a_service_between_lower_confidence() {
    let confidence = |row: Row| findings::<Rule>(&[row])[0].confidence;
    assert_eq!(confidence(stopped().actor_session_is_mfa(false)), 85);
    assert_eq!(confidence(stopped().actor_session_is_mfa(true)), 75);
    assert_eq!(confidence(stopped().actor_invoked_by("cloudformation.amazonaws.com")), 75);
}

#[test]
fn the_operator_names_what_is_expendable_and_who_is_expected() {
    let flow_logs =
        |ids: &str| call("ec2", "DeleteFlowLogs", &format!(r#"{{"DeleteFlowLogsRequest":{{"FlowLogId":{ids}}}}}"#));
    let mut harness =
        Harness::<Rule>::new().set("expendable", ["organisation", "fl-1"]).set("expected-actors", ["AIDABOBEXAMPLE"]);
    let rows = [
        stopped(),
        flow_logs(r#"{"content":"fl-1"}"#),
        flow_logs(r#"[{"content":"fl-1"},{"content":"fl-2"}]"#),
        call("config", "StopConfigurationRecorder", "{}"),
        call("cloudtrail", "StopLogging", r#"{"name":"other"}"#).actor_user_uid("AIDABOBEXAMPLE"),
    ];
    let found = harness.feed(&rows);
    assert_eq!(found.iter().map(|one| (one.row, one.confidence)).collect::<Vec<_>>(), [(2, 60), (3, 70), (4, 30)]);
}

#[test]
fn the_provider_s_own_work_is_quiet() {
    assert_eq!(findings::<Rule>(&[stopped().actor_user_type("AWSService")]), []);
    let linked = "arn:aws:iam::111122223333:role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig";
    assert_eq!(findings::<Rule>(&[stopped().actor_session_issuer(linked)]), []);
    assert_eq!(findings::<Rule>(&[stopped().actor_session_issuer("arn:aws:iam::1:role/deploy")])[0].confidence, 85);
}
