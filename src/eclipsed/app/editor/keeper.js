// Keeps the token of this tab's desk where a reload does not reach it, and shows it once to a
// server that does not know the tab.

const PLACE = "eclipsed.desk";

function kept() {
  try {
    return sessionStorage.getItem(PLACE);
  } catch {
    return null; // the browser keeps nothing
  }
}

function keep(token) {
  try {
    sessionStorage.setItem(PLACE, token);
  } catch {
    // then a reload starts anew
  }
}

// Whether the desk on the page is a new one, although this tab had another.
function strange(data) {
  const token = kept();
  return !data.settled && token !== null && token !== data.token;
}
