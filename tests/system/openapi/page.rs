//! The page at `/docs` in a browser.

use serde_json::json;
use thirtyfour::prelude::*;

use crate::browser::{DESKTOP, assert_fits_window, in_browser, take_screenshot};

/// A script that finds the faults of the headings and the contrast of the page (WCAG 2.2, 1.3.1 and 1.4.3).
const FAULTS: &str = r"
    const faults = [];
    const levels = [...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map(h => Number(h.tagName[1]));
    if (levels.filter(level => level === 1).length !== 1) faults.push('not one h1');
    levels.forEach((level, at) => { if (at && level > levels[at - 1] + 1) faults.push('h' + level + ' after h' + levels[at - 1]); });
    const parse = text => text.match(/[\d.]+/g).map(Number);
    const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
        .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, at) => sum + v * [0.2126, 0.7152, 0.0722][at], 0);
    const ground = node => {
        for (; node; node = node.parentElement) {
            const colour = parse(getComputedStyle(node).backgroundColor);
            if (colour.length === 3 || colour[3] > 0) return colour;
        }
        return [255, 255, 255];
    };
    for (const node of document.querySelectorAll('body *')) {
        if (![...node.childNodes].some(child => child.nodeType === 3 && child.data.trim())) continue;
        const [a, b] = [light(parse(getComputedStyle(node).color)), light(ground(node))].sort((x, y) => y - x);
        if ((a + 0.05) / (b + 0.05) < 4.5) faults.push(node.tagName + ': ' + node.textContent.trim().slice(0, 40));
    }
    for (const link of document.querySelectorAll('a[href^=\'#\']'))
        if (!document.getElementById(decodeURIComponent(link.hash.slice(1)))) faults.push('no ' + link.hash);
    return faults;
";

#[tokio::test]
async fn the_description_of_each_service_is_a_page_that_everybody_can_read() {
    in_browser(DESKTOP, async |browser, stack| {
        for (name, url) in [
            ("auth", stack.auth_url("/docs")),
            ("users", stack.users_url("/docs")),
        ] {
            browser.goto(&url).await.unwrap();
            let faults = browser.execute(FAULTS, Vec::new()).await.unwrap();
            assert_eq!(faults.json(), &json!([]), "{name}");
            let loaded = browser
                .execute(
                    "return [document.styleSheets.length, document.styleSheets[0].cssRules.length > 10, \
                     performance.getEntriesByType('resource').filter(r => r.responseStatus >= 400).length]",
                    Vec::new(),
                )
                .await
                .unwrap();
            assert_eq!(loaded.json(), &json!([1, true, 0]), "{name}");
            assert_fits_window(&browser, DESKTOP).await;
            // An operation unfolds without a script.
            let operation = browser.find(By::Css("details")).await.unwrap();
            operation
                .find(By::Tag("summary"))
                .await
                .unwrap()
                .click()
                .await
                .unwrap();
            assert!(operation.attr("open").await.unwrap().is_some(), "{name}");
            take_screenshot(&browser, DESKTOP, &format!("docs-{name}")).await;
        }
    })
    .await;
}
