"""The script that Streamlit runs for every browser: which pages there are."""

from __future__ import annotations

import streamlit as st

from eclipsed.app.pages import browser, edit, explore, find, judge, library

st.set_page_config(page_title="eclipsed", page_icon=browser.EDITOR / "icon.png", layout="wide")
pages = [
    st.Page(edit.show, title="Edit", url_path="edit", default=True),
    st.Page(find.show, title="Find", url_path="find"),
    st.Page(library.show, title="Library", url_path="library"),
    st.Page(explore.show, title="Explore", url_path="explore"),
    st.Page(judge.show, title="Judge", url_path="judge"),
]
shown = st.navigation(pages, position="hidden")
# Streamlit's own row of pages hides behind a sign on narrow windows.
with st.container(key="pages", horizontal=True):
    for page in pages:
        st.page_link(page)
shown.run()
