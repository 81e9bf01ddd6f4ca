//! The steps of clients that the file names, and of their secrets.

use oidc::client::ClientMetadata;
use serde_json::Value;

use super::super::current::{CONFIGURATION, Object};
use super::super::effects;
use super::super::file::{DeclaredClient, SecretSource, quoted};
use super::super::metadata::{client_metadata, client_settings, keep_forms, to_map, unknown_member};
use super::super::secrets::{KnownSecrets, Reference};
use super::super::step::{Kind, SecretAct, Step};
use super::Planner;

impl Planner<'_> {
    /// Compares a client with what the file says about it.
    pub(super) fn client(
        &mut self,
        id: &str,
        declared: &DeclaredClient,
        known: Option<&Object>,
        secrets: Option<&KnownSecrets>,
    ) {
        let at = format!("clients.{}", quoted(id));
        if let Some(known) = known {
            if known.origin == CONFIGURATION {
                return self.conflict(format!("{at}: the client is part of the authentication service's configuration file, and changed there"));
            }
            if let Some(name) = unknown_member(&known.settings) {
                return self.conflict(format!("{at}: the client has {name}, which this version of vestibule does not know: use the version of the services"));
            }
        }
        let mut metadata = declared.metadata.clone();
        let before = known.map(|known| client_settings(&known.settings));
        if let Some(before) = &before {
            keep_forms(&mut metadata, before);
        }
        let secret = self.secret_act((&at, id), declared, known, secrets);
        let mut effects = known.map_or_else(Vec::new, |known| effects::of_change(known, &metadata));
        if let (SecretAct::Set(_), Some(ended)) = (&secret, secrets.and_then(|known| known.ended.as_ref())) {
            effects.push(format!("refuses its secret of {ended} from now on"));
        }
        let before = before.unwrap_or_else(|| to_map(&ClientMetadata::default()));
        let after = to_map(&metadata);
        let step = Step {
            effects,
            secret,
            ..Step::create(Kind::Client, id, Value::Object(after.clone()))
        };
        self.add(&at, step, known, (&before, &after), client_settings);
    }

    fn secret_act(
        &mut self,
        (at, id): (&str, &str),
        declared: &DeclaredClient,
        known: Option<&Object>,
        secrets: Option<&KnownSecrets>,
    ) -> SecretAct {
        if !declared.metadata.token_endpoint_auth_method.uses_secret() {
            return SecretAct::None;
        }
        let had_one = known.is_some_and(|known| {
            client_metadata(&known.settings)
                .token_endpoint_auth_method
                .uses_secret()
        });
        match (&declared.secret, had_one) {
            (Some(source), false) => SecretAct::Set(source.clone()),
            (Some(source), true) => {
                let reference = secrets.map_or(Reference::Unread, |known| known.reference);
                self.renewal(at, id, source, reference)
            }
            (None, true) => SecretAct::None,
            (None, false) if self.options.show_secrets => SecretAct::Mint,
            (None, false) => {
                self.mistake(format!(
                    "{at}: the client needs a secret: name client_secret_file or client_secret_env, or let --show-secrets print a new one once"
                ));
                SecretAct::None
            }
        }
    }

    /// The act on the secrets of a client that has one, and whose file names a reference.
    fn renewal(&mut self, at: &str, id: &str, source: &SecretSource, reference: Reference) -> SecretAct {
        let updates = self.options.update_secrets;
        let makes = self.options.make_secret_files;
        match reference {
            Reference::Other if updates => return SecretAct::Set(source.clone()),
            Reference::Missing if updates && makes => return SecretAct::Set(source.clone()),
            Reference::Other => self.plan.other_secrets.push(at.to_owned()),
            Reference::Unread | Reference::Missing if updates && !self.options.dry_run => {
                let key = source.key(id);
                self.mistake(format!("{key}: it cannot be read, and --update-secrets is given"));
            }
            Reference::Unread | Reference::Missing if updates || makes => {
                self.plan.unread_secrets.push(source.key(id));
            }
            Reference::Unread | Reference::Missing | Reference::Same => {}
        }
        SecretAct::None
    }
}
