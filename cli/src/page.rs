//! The pages of all codes: those of reading a folder, and those of the rules.

use backstitch_core::page::{self, Page};
use backstitch_core::rule;

/// All of them, in the order of their codes.
pub(crate) fn all() -> Vec<Page> {
    let rules = rule::all().iter().map(|rule| Page { text: rule.page });
    let mut all: Vec<Page> = page::all().chain(rules).collect();
    all.sort_by_key(Page::code);
    all
}

/// The page of that code.
pub(crate) fn find(code: &str) -> Option<Page> {
    all().into_iter().find(|page| page.code() == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_has_one_page_and_one_sentence() {
        let all = all();
        assert!(all.windows(2).all(|pair| pair[0].code() < pair[1].code()));
        for page in all {
            assert!(page.text.starts_with(&format!("# {}\n", page.code())));
            let summary = page.summary();
            let is_one = summary.ends_with('.') && !summary.contains('\n');
            assert!(is_one, "{}: {summary}", page.code());
        }
    }
}
