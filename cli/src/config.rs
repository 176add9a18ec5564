//! What holds for this call: the options file, the environment and the flags, in this order; what
//! comes later counts more.

use std::path::{Path, PathBuf};

use backstitch_core::options::Options;
use backstitch_core::{Diagnostic, Dialect, Severity};

use crate::failure::Failure;
use crate::project::Project;
use crate::target::Target;
use crate::variables::Variables;

/// The variable that holds the URL of the database, as for sqlx.
const DATABASE_URL: &str = "DATABASE_URL";
/// The variable that says what the database is used for.
const ENVIRONMENT: &str = "BACKSTITCH_ENV";

/// All of it.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// Never shown: it may hold a password.
    pub(crate) url: String,
    pub(crate) environment: Option<String>,
    pub(crate) namespace: Option<String>,
    pub(crate) schema: Option<String>,
    /// What the options file says.
    pub(crate) options: Options,
    /// The folder that the paths of the options file start from.
    pub(crate) base: PathBuf,
    /// The folder of the migrations as it is shown to people.
    pub(crate) shown_as: String,
    /// The SQL of the files.
    pub(crate) dialect: Dialect,
    /// Whether somebody has said so. `mysql://` alone does not: MariaDB is called like that, too.
    pub(crate) dialect_is_said: bool,
}

impl Config {
    /// What holds for the migrations of a folder.
    ///
    /// # Errors
    /// When the project or the database is not clear.
    pub(crate) fn of_folder(target: &Target) -> Result<Config, Failure> {
        let project = find(target)?;
        let (url, variables) = url(target, &project.base)?;
        let by_url = Dialect::of_url(&url);
        let named = target.engine.or(project.options.options.engine);
        let dialect = named.or(by_url).ok_or_else(|| engine_unknown(&url))?;
        if by_url.is_some_and(|by_url| by_url.driver() != dialect.driver()) {
            let by_url = by_url.unwrap_or(dialect);
            return Err(Failure::usage(engine_differs(dialect, by_url)));
        }
        let is_said = named.is_some() || dialect.is_sure_by_url();
        let config = Config::new(target, project, url, dialect, &variables);
        Ok(Config {
            dialect_is_said: is_said,
            ..config
        })
    }

    /// What holds for the migrations that a program brings along.
    ///
    /// # Errors
    /// When the database is not clear, or the call asks for other migrations.
    pub(crate) fn of_program(target: &Target, dialect: Dialect) -> Result<Config, Failure> {
        if target.dir.is_some() || target.engine.is_some() {
            return Err(Failure::usage(migrations_embedded()));
        }
        let project = around(target)?;
        let (url, variables) = url(target, &project.base)?;
        if let Some(by_url) = Dialect::of_url(&url)
            && by_url.driver() != dialect.driver()
        {
            let differs = engine_differs(dialect, by_url);
            let help = format!("Give the URL of a {} database.", dialect.title());
            return Err(Failure::usage(differs.help(help)));
        }
        Ok(Config::new(target, project, url, dialect, &variables))
    }

    fn new(
        target: &Target,
        project: Project,
        url: String,
        dialect: Dialect,
        variables: &Variables,
    ) -> Config {
        let options = project.options.options;
        let environment = target.environment.clone();
        let environment = environment.or_else(|| variables.get(ENVIRONMENT));
        let or = |flag: &Option<String>, option: &Option<String>| {
            flag.clone().or_else(|| option.clone())
        };
        Config {
            url,
            environment: environment.or_else(|| options.environment.clone()),
            namespace: or(&target.namespace, &options.namespace),
            schema: or(&target.schema, &options.schema),
            options,
            base: project.base,
            shown_as: project.shown_as,
            dialect,
            dialect_is_said: true,
        }
    }

    /// Whether a mistake here is one that others suffer from.
    pub(crate) fn is_production(&self) -> bool {
        let environment = self.environment.as_deref().unwrap_or_default();
        ["production", "prod", "live"]
            .iter()
            .any(|name| environment.eq_ignore_ascii_case(name))
    }
}

/// The project that the call means.
///
/// # Errors
/// When that is not clear, or its options cannot be read.
pub(crate) fn find(target: &Target) -> Result<Project, Failure> {
    sound(Project::named(
        target.dir.as_deref(),
        target.options.as_deref(),
    )?)
}

/// The project around a program that brings its migrations along; there need be none.
///
/// # Errors
/// When its options cannot be read.
pub(crate) fn around(target: &Target) -> Result<Project, Failure> {
    sound(Project::of_program(target.options.as_deref())?)
}

fn sound(project: Project) -> Result<Project, Failure> {
    let found = &project.options.diagnostics;
    if found.iter().any(|one| one.severity == Severity::Error) {
        return Err(Failure {
            diagnostics: found.clone(),
            exit: crate::exit::Exit::Usage,
        });
    }
    Ok(project)
}

fn url(target: &Target, base: &Path) -> Result<(String, Variables), Failure> {
    let variables = Variables::read(target.env_file.as_deref(), base)?;
    let url = target.url.clone().or_else(|| variables.get(DATABASE_URL));
    match url {
        Some(url) => Ok((url, variables)),
        None => Err(Failure::usage(url_missing())),
    }
}

fn url_missing() -> Diagnostic {
    Diagnostic::error("url-missing", "nothing says which database is meant")
        .why("Neither `--url` nor the variable DATABASE_URL is there, nor a `.env` that sets it.")
        .help(
            "Set it, as for sqlx:\nexport DATABASE_URL=postgres://user@host/database\n\
             or in the call:\n--url sqlite:path/to/file.db",
        )
}

fn engine_unknown(url: &str) -> Failure {
    // What stands before the first colon is no secret, if it looks like the name of a scheme.
    let scheme = url.split_once("://").map(|(scheme, _)| scheme);
    let scheme = scheme.filter(|scheme| scheme.bytes().all(|b| b.is_ascii_alphanumeric()));
    let message = match scheme {
        Some(scheme) => format!("`{scheme}://` is no database that backstitch knows"),
        None => "the URL of the database does not begin with the name of an engine".to_owned(),
    };
    Failure::usage(
        Diagnostic::error("url-invalid", message)
            .help("Write `postgres://…`, `mysql://…`, `mariadb://…` or `sqlite:…`."),
    )
}

fn engine_differs(dialect: Dialect, by_url: Dialect) -> Diagnostic {
    let (files, url) = (dialect.title(), by_url.title());
    let message = format!("the migrations are for {files}, and the URL leads to {url}");
    Diagnostic::error("engine-differs", message)
        .why("Every engine has its own SQL.")
        .help(format!(
            "Give the URL of a {files} database, or the folder for {url} by `--dir` or another \
             options file by `--options`."
        ))
}

fn migrations_embedded() -> Diagnostic {
    Diagnostic::error(
        "migrations-embedded",
        "this program brings its migrations along",
    )
    .why("`--dir` and `--engine` would ask for others.")
    .help("Leave them out; for another folder use the program `backstitch`.")
}
