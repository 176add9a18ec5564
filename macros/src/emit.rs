//! The Rust that `migrations!` becomes, piece by piece.
//!
//! Everything here is frugal, because a service may have thousands of migrations: no code is
//! emitted per migration, only its text, and one literal with the facts of all of them.

use std::path::Path;

use backstitch_core::diagnostic::Diagnostic;
use backstitch_core::dialect::Dialect;
use backstitch_core::render::{self, Style};
use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{quote, quote_spanned};

use crate::arguments::Place;
use crate::expand::Embedded;

/// A block of `statements` that has the value of `expression`.
pub(crate) fn block(
    statements: impl IntoIterator<Item = TokenStream>,
    expression: &TokenStream,
) -> TokenStream {
    let statements = statements.into_iter();
    quote!({ #(#statements)* #expression })
}

/// The Rust of the migrations, as text: the compiler reads its own language faster than tokens come
/// to it one by one.
pub(crate) fn embedded(embedded: &Embedded) -> String {
    let Embedded {
        dialect,
        shown_as,
        dir,
        digest,
        files,
        facts,
    } = embedded;
    let driver = dialect.driver();
    let [a, b, c, d] = digest.lanes();
    let texts: String = files.iter().map(|file| file_text(file)).collect();
    let dir = dir.to_string_lossy();
    let facts = raw(facts);
    format!(
        "{{
            use ::core::include_str as __backstitch_text;
            const FILES: &[&str] = &[{texts}];
            const FACTS: &str = {facts};
            ::backstitch::Migrations::<::backstitch::engines::{driver}>::__embedded(
                ::backstitch::__private::Embedded {{
                    dialect: ::backstitch::__private::Dialect::{dialect:?},
                    shown_as: {shown_as:?},
                    dir: if ::core::cfg!(debug_assertions) {{ {dir:?} }} else {{ \"\" }},
                    program: ::core::concat!(
                        ::core::env!(\"CARGO_PKG_NAME\"), \" \", ::core::env!(\"CARGO_PKG_VERSION\")
                    ),
                    digest: [{a}, {b}, {c}, {d}],
                    watched: ::core::cfg!(debug_assertions),
                    files: FILES,
                    facts: FACTS,
                }}
            )
        }}"
    )
}

fn file_text(file: &Path) -> String {
    format!("__backstitch_text!({:?}),", file.to_string_lossy())
}

/// A literal without a single escape, of a text without carriage returns.
fn raw(text: &str) -> String {
    let mut hashes = String::new();
    while text.contains(&format!("\"{hashes}")) {
        hashes.push('#');
    }
    format!("r{hashes}\"{text}\"{hashes}")
}

/// What stands in for the migrations after an error, so that nothing else is complained about.
///
/// Where no engine is known, the place that the value goes to decides.
pub(crate) fn invalid(dialect: Option<Dialect>) -> TokenStream {
    let engine = dialect.map_or_else(|| quote!(_), engine);
    quote!(::backstitch::Migrations::<#engine>::__invalid())
}

/// Has the compiler look at this file again before it believes that nothing has changed.
pub(crate) fn track(file: &Path) -> TokenStream {
    let file = path(file);
    quote!(
        const _: &[u8] = ::core::include_bytes!(#file);
    )
}

/// A compile error.
pub(crate) fn error(place: Place, text: &str) -> TokenStream {
    // rustc underlines from the first token to the last.
    let name = quote_spanned!(place.first=> ::core::compile_error);
    let message = literal(text, place.last);
    let call = quote_spanned!(place.last=> !(#message););
    quote!(#name #call)
}

/// A compiler warning: stable Rust has none for macros, other than the use of something deprecated.
pub(crate) fn warning(place: Place, code: &str, text: &str) -> TokenStream {
    let name = Ident::new(&code.replace('-', "_"), place.first);
    let note = literal(text, Span::call_site());
    quote! {
        {
            #[deprecated(note = #note)]
            #[allow(non_upper_case_globals)]
            const #name: () = ();
            const _: () = #name;
        }
    }
}

/// The diagnostic as it reads behind rustc's own `error: `.
pub(crate) fn text(diagnostic: &Diagnostic) -> String {
    let rendered = render::render(diagnostic, Style::Plain);
    let (_, body) = rendered.split_once('\n').unwrap_or_default();
    let Diagnostic { code, message, .. } = diagnostic;
    // The empty line keeps apart what rustc says about the place in the Rust file.
    format!("{message} [{code}]\n{}\n ", body.trim_end())
}

fn literal(text: &str, span: Span) -> Literal {
    let mut literal = Literal::string(text);
    literal.set_span(span);
    literal
}

/// A path as the compiler reads it.
fn path(path: &Path) -> Literal {
    Literal::string(&path.to_string_lossy())
}

fn engine(dialect: Dialect) -> TokenStream {
    let engine = Ident::new(dialect.driver(), Span::call_site());
    quote!(::backstitch::engines::#engine)
}
