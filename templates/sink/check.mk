	$(CLEVERSYNC) plugins check ./$(NAME).so \
		--set sink.check.path=check/database
