//! Tests of the addresses: values that are derived from ports and issuers follow them.

use super::*;

/// Writes both URLs into every client, as releases until 2026-11 did.
fn with_audiences(data: &DataDir) {
    let text = fs::read_to_string(data.auth_file()).expect("read");
    assert!(!text.contains("audiences ="), "nothing derived is written");
    let line = "grant_types = [\"client_credentials\"]";
    let older = format!("{line}\naudiences = [\"http://localhost:8000\", \"http://localhost:8001\"]");
    fs::write(data.auth_file(), text.replace(line, &older)).expect("written");
}

#[test]
fn the_audiences_that_older_releases_wrote_follow_the_ports() {
    let temp = temporary_directory();
    let (data, _) = started(&temp, Ports::default());
    with_audiences(&data);
    assert!(variables_for(&data, Ports::default(), NO_ENV).is_empty());
    let ports = Ports {
        auth: Some(8100),
        ..Ports::default()
    };
    let audiences: Vec<_> = variables_for(&data, ports, NO_ENV)
        .into_iter()
        .filter(|(name, _)| name.ends_with("__AUDIENCES"))
        .collect();
    let both = "http://localhost:8100,http://localhost:8001";
    assert_eq!(
        audiences,
        [
            ("VESTIBULE_AUTH__CLIENTS__VESTIBULE-USERS__AUDIENCES", both),
            ("VESTIBULE_AUTH__CLIENTS__VESTIBULE-CLI__AUDIENCES", both),
        ]
        .map(owned)
    );
}

#[test]
fn an_issuer_that_is_changed_in_one_file_is_carried_to_everything_that_repeats_it() {
    let temp = temporary_directory();
    let (data, _) = started(&temp, Ports::default());
    with_audiences(&data);
    let edited = fs::read_to_string(data.auth_file()).expect("read");
    let edited = edited.replacen(
        "issuer = \"http://localhost:8000\"",
        "issuer = \"https://ID.example.org/idp/\"",
        1,
    );
    fs::write(data.auth_file(), edited).expect("written");
    let (issuer, both) = (
        "https://id.example.org/idp",
        "https://id.example.org/idp,http://localhost:8001",
    );
    assert_eq!(
        variables_for(&data, Ports::default(), NO_ENV),
        [
            ("VESTIBULE_USERS__AUTH__ISSUER", issuer),
            ("VESTIBULE_AUTH__CLIENTS__VESTIBULE-USERS__AUDIENCES", both),
            ("VESTIBULE_AUTH__CLIENTS__VESTIBULE-CLI__AUDIENCES", both),
        ]
        .map(owned)
    );
}

#[test]
fn what_cannot_be_carried_over_is_refused_with_the_reason() {
    let temp = temporary_directory();
    let (data, addresses) = started(&temp, Ports::default());
    let env =
        |name: &str| (name == "VESTIBULE_USERS__AUTH__ISSUER").then(|| "https://other.example".to_owned());
    let refused = data
        .overlay(&addresses, Ports::default(), &env)
        .expect_err("refused");
    let text = CommandError::from(refused).to_string();
    assert!(
        text.contains("VESTIBULE_USERS__AUTH__ISSUER") && text.contains("https://other.example"),
        "{text}"
    );

    let line = "grant_types = [\"client_credentials\"]";
    let elsewhere = format!("{line}\naudiences = [\"https://id.example.org\", \"https://api.example.org\"]");
    let text = fs::read_to_string(data.auth_file()).expect("read");
    fs::write(data.auth_file(), text.replace(line, &elsewhere)).expect("written");
    let refused = data
        .overlay(&addresses, Ports::default(), NO_ENV)
        .expect_err("refused");
    let text = CommandError::from(refused).to_string();
    assert!(
        text.contains("clients.vestibule-auth.audiences") && text.contains("http://localhost:8001"),
        "{text}"
    );
}

#[test]
fn a_path_of_the_issuer_stays_when_its_port_changes() {
    let temp = temporary_directory();
    let (data, _) = started(&temp, Ports::default());
    let text = fs::read_to_string(data.auth_file()).expect("read");
    fs::write(
        data.auth_file(),
        text.replace("http://localhost:8000", "http://LOCALHOST:8000/idp"),
    )
    .expect("written");
    let ports = Ports {
        auth: Some(8100),
        ..Ports::default()
    };
    let addresses = data.addresses(ports, NO_ENV).expect("addresses");
    assert_eq!(addresses.auth.url, "http://localhost:8100/idp");
}

#[test]
fn management_ports_that_are_taken_are_replaced_for_a_stack_on_other_ports_alone() {
    let temp = temporary_directory();
    let (data, _) = started(&temp, Ports::default());
    let taken = TcpListener::bind("127.0.0.1:0").expect("bound");
    let taken = (taken.local_addr().expect("an address"), taken);
    let text = fs::read_to_string(data.auth_file()).expect("read");
    fs::write(
        data.auth_file(),
        text.replace("127.0.0.1:9000", &taken.0.to_string()),
    )
    .expect("written");
    let ports = Ports {
        users: Some(8101),
        ..Ports::default()
    };
    let addresses = data.addresses(ports, NO_ENV).expect("addresses");
    assert_ne!(addresses.auth.management, taken.0);
    let variable = owned((
        "VESTIBULE_AUTH__LISTEN__MANAGEMENT",
        &addresses.auth.management.to_string(),
    ));
    let variables = data.overlay(&addresses, ports, NO_ENV).expect("an overlay");
    assert!(
        variables
            .iter()
            .any(|found| (found.name.clone(), found.value.clone()) == variable)
    );
    // Asked for by nobody, or by name: then it is said that it is taken.
    let addresses = data.addresses(Ports::default(), NO_ENV).expect("addresses");
    assert_eq!(addresses.auth.management, taken.0);
    let named = Ports {
        auth_management: Some(taken.0.port()),
        ..ports
    };
    let addresses = data.addresses(named, NO_ENV).expect("addresses");
    assert_eq!(addresses.auth.management, taken.0);
}
