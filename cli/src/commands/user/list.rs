//! `vestibule user list`: lists the users.

use std::io::{self, IsTerminal, Write};

use contract::paths;
use reqwest::Method;
use serde_json::Value;

use super::deleted;
use super::find::{display_name, primary_email, state_text};
use crate::api::{ApiClient, ApiError, ConnectionArgs, RemoteService, percent_encode, text_at};
use crate::error::CommandError;
use crate::logs::{Color, Style};
use crate::output::{self, Format, Table};

/// The most users of one page (`filter.maxResults`).
const PAGE: usize = 200;

/// List people
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  vestibule user list
  vestibule user list --filter 'emails.value eq \"ann@example.com\"'
  vestibule user list --filter 'active eq false' --limit 200
  vestibule user list --deleted
  vestibule user list --all --output json | jq -r .[].userName")]
pub(crate) struct List {
    /// People at most
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
    /// Everybody, page by page
    #[arg(long, conflicts_with = "limit")]
    all: bool,
    /// People who were deleted and can be restored, in place of those who are there
    #[arg(long, conflicts_with = "filter")]
    deleted: bool,
    /// SCIM filter (RFC 7644 §3.4.2.2)
    #[arg(long, value_name = "FILTER")]
    filter: Option<String>,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// A page of users (RFC 9865 §2).
struct Page {
    people: Vec<Value>,
    /// The number of all that match, if the service tells.
    total: Option<u64>,
    next: Option<String>,
}

impl List {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        if self.deleted {
            let most = if self.all { usize::MAX } else { self.limit };
            return deleted::list(&self.connection, most).await;
        }
        let api = ApiClient::new(&self.connection, &["users:read"])?;
        if let Some(remark) = self.list(&api, &mut io::stdout()).await? {
            output::print_remark(remark);
        }
        Ok(())
    }

    /// Writes the users to `out`, and returns a remark when there are more than are shown.
    async fn list(&self, api: &ApiClient, out: &mut impl Write) -> Result<Option<String>, CommandError> {
        let most = if self.all { usize::MAX } else { self.limit };
        let mut printer = Printer::new(self.connection.output, out);
        let progress = Progress::new(self.all);
        let (mut cursor, mut total) = (String::new(), None);
        while printer.printed < most {
            let page = self.page(api, &cursor, PAGE.min(most - printer.printed)).await?;
            total = page.total.or(total);
            printer.print(&page.people)?;
            progress.show(printer.printed, total);
            match page.next {
                Some(next) => cursor = next,
                None => {
                    cursor.clear();
                    break;
                }
            }
        }
        progress.end();
        let printed = printer.printed;
        printer.end()?;
        let of = total.map_or_else(String::new, |total| format!(" of {total}"));
        let remark = format!("{printed}{of} people are shown; --all lists everybody");
        Ok((!cursor.is_empty()).then_some(remark))
    }

    async fn page(&self, api: &ApiClient, cursor: &str, count: usize) -> Result<Page, ApiError> {
        let mut path = format!(
            "{}?cursor={}&count={}",
            paths::users::SCIM_USERS,
            percent_encode(cursor),
            count.max(1)
        );
        if let Some(filter) = &self.filter {
            path = format!("{path}&filter={}", percent_encode(filter));
        }
        let mut page = api.call(RemoteService::Users, Method::GET, &path).await?;
        let people = match page.get_mut("Resources").map(Value::take) {
            Some(Value::Array(people)) => people,
            _ => Vec::new(),
        };
        Ok(Page {
            people,
            total: page.get("totalResults").and_then(Value::as_u64),
            next: page.get("nextCursor").and_then(Value::as_str).map(str::to_owned),
        })
    }
}

/// Prints users page by page, as one table or one JSON array.
struct Printer<'a, W> {
    out: &'a mut W,
    format: Format,
    printed: usize,
    /// The widths of the columns, which are those of the first page.
    widths: Option<Vec<usize>>,
}

impl<'a, W: Write> Printer<'a, W> {
    fn new(format: Format, out: &'a mut W) -> Self {
        Self {
            out,
            format,
            printed: 0,
            widths: None,
        }
    }

    fn print(&mut self, people: &[Value]) -> Result<(), CommandError> {
        match self.format {
            Format::Table => self.print_rows(people)?,
            Format::Json => {
                for (index, person) in people.iter().enumerate() {
                    let before = if self.printed + index == 0 { "[" } else { "," };
                    output::write_line(self.out, format!("{before}{person:#}"))?;
                }
            }
        }
        self.printed += people.len();
        Ok(())
    }

    fn print_rows(&mut self, people: &[Value]) -> Result<(), CommandError> {
        let mut table = Table::new(&["USER NAME", "NAME", "E-MAIL", "STATE", "ID"]);
        for person in people {
            table.row([
                text_at(person, "/userName"),
                display_name(person),
                primary_email(person),
                state_text(person).to_owned(),
                text_at(person, "/id"),
            ]);
        }
        match &self.widths {
            None => {
                self.widths = Some(table.widths());
                output::write_line(self.out, table.render(Style::choose(Color::Auto, &io::stdout())))
            }
            Some(_) if people.is_empty() => Ok(()),
            Some(widths) => output::write_line(self.out, table.render_rows(widths)),
        }
    }

    fn end(self) -> Result<(), CommandError> {
        match (self.format, self.printed) {
            (Format::Json, 0) => output::write_line(self.out, "[]"),
            (Format::Json, _) => output::write_line(self.out, "]"),
            (Format::Table, _) => Ok(()),
        }
    }
}

/// The progress of a long list, on a terminal that does not show the list itself.
struct Progress {
    shown: bool,
}

impl Progress {
    fn new(all: bool) -> Self {
        Self {
            shown: all && io::stderr().is_terminal() && !io::stdout().is_terminal(),
        }
    }

    fn show(&self, printed: usize, total: Option<u64>) {
        if self.shown {
            let of = total.map_or_else(String::new, |total| format!(" of {total}"));
            output::print_question(&format!("\r{printed}{of} people"));
        }
    }

    fn end(&self) {
        if self.shown {
            output::print_remark("");
        }
    }
}

#[cfg(test)]
mod tests;
