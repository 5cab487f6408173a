"""Reports of a measured bundle: tables in Markdown, pictures, and one HTML page that holds both."""
