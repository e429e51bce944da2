"""The editor in the browser: `eclipsed app`.

Everything but the pages works without Streamlit: a `Session` says what is on the screen, a `Desk`
holds it for one tab, `events` change it, `screen` says what the page shows, a `Renderer` draws it,
a `Library` stores the cards. The pages show them and decide nothing.
"""
