"""The editor in the browser: `eclipsed app`.

Everything but the pages works without Streamlit: a `Session` says what is on the screen, a `Desk`
changes it, a `Renderer` draws it, a `Library` keeps the cards. The pages show them and decide
nothing.
"""
