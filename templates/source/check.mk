	echo "{\"records\": 0}" >check/students.ndjson
	$(CLEVERSYNC) plugins check ./$(NAME).so \
		--set source.check.directory=check
