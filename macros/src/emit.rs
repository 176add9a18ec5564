//! The Rust that `migrations!` becomes, piece by piece.
//!
//! Everything here is frugal, because a service may have thousands of migrations: no code is
//! emitted per migration, only two literals.

use std::path::Path;

use backstitch_core::diagnostic::{Diagnostic, Severity};
use backstitch_core::dialect::Dialect;
use backstitch_core::render::{self, Style};
use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{quote, quote_spanned};

use crate::arguments::Place;
use crate::expand::{Embedded, File};

/// A block of `statements` that has the value of `expression`.
pub(crate) fn block(
    statements: impl IntoIterator<Item = TokenStream>,
    expression: &TokenStream,
) -> TokenStream {
    let statements = statements.into_iter();
    quote!({ #(#statements)* #expression })
}

/// The migrations.
pub(crate) fn embedded(embedded: &Embedded) -> TokenStream {
    let Embedded {
        dialect,
        shown_as,
        dir,
        digest,
        files,
    } = embedded;
    let dir = path(dir);
    let engine = engine(*dialect);
    let dialect = Ident::new(&format!("{dialect:?}"), Span::call_site());
    let lanes = digest.lanes();
    let files = files.iter().map(file);
    quote! {
        ::backstitch::Migrations::<#engine>::__embedded(::backstitch::__private::Embedded {
            dialect: ::backstitch::__private::Dialect::#dialect,
            shown_as: #shown_as,
            dir: if ::core::cfg!(debug_assertions) { #dir } else { "" },
            program: ::core::concat!(
                ::core::env!("CARGO_PKG_NAME"), " ", ::core::env!("CARGO_PKG_VERSION")
            ),
            digest: [#(#lanes),*],
            watched: ::core::cfg!(debug_assertions),
            files: &[#(#files),*],
        })
    }
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

/// Reports a diagnostic in the way of its severity.
pub(crate) fn report(place: Place, diagnostic: &Diagnostic) -> TokenStream {
    match diagnostic.severity {
        Severity::Error => error(place, &text(diagnostic)),
        Severity::Warn => warning(place, diagnostic.code, &text(diagnostic)),
        Severity::Info => TokenStream::new(),
    }
}

/// A compile error.
fn error(place: Place, text: &str) -> TokenStream {
    // rustc underlines from the first token to the last.
    let name = quote_spanned!(place.first=> ::core::compile_error);
    let message = literal(text, place.last);
    let call = quote_spanned!(place.last=> !(#message););
    quote!(#name #call)
}

/// A compiler warning: stable Rust has none for macros, other than the use of something deprecated.
fn warning(place: Place, code: &str, text: &str) -> TokenStream {
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
fn text(diagnostic: &Diagnostic) -> String {
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

fn file(file: &File) -> TokenStream {
    let File { path: file, facts } = file;
    let file = path(file);
    quote!((::core::include_str!(#file), #facts))
}

/// A path as the compiler reads it.
fn path(path: &Path) -> Literal {
    Literal::string(&path.to_string_lossy())
}

fn engine(dialect: Dialect) -> TokenStream {
    let engine = Ident::new(dialect.driver(), Span::call_site());
    quote!(::backstitch::engines::#engine)
}
