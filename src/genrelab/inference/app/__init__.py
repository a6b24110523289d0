"""A web page that names the genre of what one uploads or records: `genrelab app RUN`."""
