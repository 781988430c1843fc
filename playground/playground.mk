# Included by the Makefile. PLAYGROUND_BUILT is where the API serves the files from (app/web/playground.py).
PLAYGROUND_BUILT := ../app/web/static/playground

.PHONY: playground playground-check
playground: ## Rebuild the playground's committed files
	playground/build.sh $(PLAYGROUND_BUILT)

playground-check: ## Fail when the committed files are not what the sources give
	playground/build.sh --check $(PLAYGROUND_BUILT)
